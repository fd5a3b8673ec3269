/** Tokens and policy that change while callers call. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { writeAsKubelet } from '../mounted/write-volume.ts';
import { call, HEADERS, initialize, post } from './post.ts';
import { listen } from './listen.ts';
import { LIST, start, stops } from './proxied.ts';
import { startScriptedServer, startStream, tool } from './scripted-server.ts';
import { startSidecar, untilAudit, untilHealth, type TestSidecar } from './start-sidecar.ts';
import { waitFor } from './wait-for.ts';

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const toolsOf = (body: string) =>
  (JSON.parse(body).result.tools as { name: string }[]).map(({ name }) => name);
const seen = (sidecar: TestSidecar, event: string) =>
  sidecar.events.filter((each) => each.event === event).length;
const metric = async (sidecar: TestSidecar, name: string) =>
  (await (await fetch(`${sidecar.adminUrl}/metrics`)).text())
    .split('\n')
    .filter((line) => line.startsWith(name))
    .join('\n');

const startWithTokens = (directory: string) =>
  start({ auth: { mode: 'token', source: 'secret/mcp-tokens', directory } });
const startWithPolicy = (directory: string, filter = {}) =>
  start({ policy: { source: 'configmap/mcp-policy', directory }, filter: { mode: 'all', ...filter } });

function volume(): string {
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-reload-'));
  stops.push(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** Two callers whose tokens belong together: a mixed version would let one in with the old and one with the new. */
const pairOf = (version: number) => ({ alice: `a-${version}`, bob: `b-${version}` });

describe('tokens that change', () => {
  test('an open stream of a caller whose token is gone ends, at the server too; others stay open', async () => {
    const directory = volume();
    writeAsKubelet(directory, { alice: 'a', bob: 'b' });
    const { server, sidecar } = await startWithTokens(directory);
    server.answers.set('GET', (_, response) => void startStream(response));
    const opened = async (token: string) => ({
      ended: await listen(sidecar.url, token),
      atServer: server.fromClients().at(-1)!,
    });
    const alice = await opened('a');
    const bob = await opened('b');
    writeAsKubelet(directory, { alice: 'a2', bob: 'b' });
    await waitFor('the end of the stream', alice.ended);
    await waitFor('the end at the server', () => alice.atServer.cut);
    assert.equal(bob.ended(), false);
    const { metadata } = await untilAudit(sidecar, ({ type }) => type === 'sse_connection');
    assert.equal(metadata.extra.rule, 'revoked');
    assert.equal((await post(sidecar.url, LIST, bearer('a'))).status, 401);
  });

  test('a call that takes its time is refused when its token is gone before its body is whole', async () => {
    const directory = volume();
    writeAsKubelet(directory, { alice: 'a', bob: 'b' });
    const { server, sidecar } = await startWithTokens(directory);
    const slow = (token: string) => {
      const body = JSON.stringify(LIST);
      const sent = request(sidecar.url, {
        method: 'POST',
        headers: { ...HEADERS, ...bearer(token), 'content-length': body.length },
      });
      sent.write(body.slice(0, 10));
      const status = new Promise<number | undefined>((resolve, reject) => {
        sent.on('response', (response) => resolve(response.resume().statusCode));
        sent.on('error', reject);
      });
      return { status, finish: () => sent.end(body.slice(10)) };
    };
    const [alice, bob] = [slow('a'), slow('b')];
    await delay(100);
    writeAsKubelet(directory, { alice: 'a2', bob: 'b' });
    await waitFor('the new version', () => seen(sidecar, 'tokens_loaded') === 2);
    const before = server.fromClients().length;
    alice.finish();
    assert.equal(await alice.status, 401);
    assert.equal(server.fromClients().length, before);
    bob.finish();
    assert.equal(await bob.status, 200);
  });

  test('an empty Secret shuts everyone out, and says so to its owner alone', async () => {
    const directory = volume();
    writeAsKubelet(directory, { alice: 'a' });
    const { sidecar } = await startWithTokens(directory);
    assert.match(await metric(sidecar, 'kubectl_mcp_auth_ready'), / 1$/);
    writeAsKubelet(directory, {});
    const health = await untilHealth(sidecar, 'degraded');
    assert.equal(health.servers[0].error, 'Secret mcp-tokens: holds no token');
    assert.deepEqual(health.servers[0].problems, ['Secret mcp-tokens: holds no token']);
    assert.match(await metric(sidecar, 'kubectl_mcp_auth_ready'), / 0$/);
    const { status, headers, body } = await post(sidecar.url, LIST, bearer('a'));
    assert.deepEqual([status, headers.get('retry-after')], [503, '5']);
    assert.doesNotMatch(body, /mcp-tokens/);
    writeAsKubelet(directory, { alice: 'a' });
    await untilHealth(sidecar, 'healthy');
    assert.equal((await post(sidecar.url, LIST, bearer('a'))).status, 200);
  });

  test('200 swaps under four clients: no token works after the next version was seen, none of two versions is mixed', async () => {
    const directory = volume();
    writeAsKubelet(directory, pairOf(0));
    const { sidecar } = await startWithTokens(directory);
    const descriptors = readdirSync('/proc/self/fd').length;
    let written = 0;
    let over = false;
    const agents = Array.from({ length: 4 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
    const ask = (agent: Agent, token: string) =>
      new Promise<number>((resolve, reject) => {
        const sent = request(sidecar.url, {
          method: 'POST',
          agent,
          headers: { ...HEADERS, ...bearer(token) },
        });
        sent.on('response', (response) => {
          response.resume();
          response.on('end', () => resolve(response.statusCode ?? 0));
        });
        sent.on('error', reject);
        sent.end(JSON.stringify(LIST));
      });
    const counts = { 200: 0, 401: 0 };
    const client = async (agent: Agent, caller: 'alice' | 'bob') => {
      // oxlint-disable-next-line no-unmodified-loop-condition -- set while it waits
      while (!over) {
        // How many versions had been taken before the call, and after: the token of the one is refused, of the other let in.
        const token = pairOf(written)[caller];
        const before = seen(sidecar, 'tokens_loaded');
        const status = await ask(agent, token);
        assert.ok(status === 200 || status === 401, String(status));
        counts[status]++;
        if (before === seen(sidecar, 'tokens_loaded') && status === 200) {
          // The version did not change: what the other caller proves with must be of the same one.
          const other = pairOf(Number(token.slice(2)))[caller === 'alice' ? 'bob' : 'alice'];
          const second = await ask(agent, other);
          if (before === seen(sidecar, 'tokens_loaded')) assert.equal(second, 200, `${token}, ${other}`);
        }
      }
    };
    const clients = agents.map((agent, index) => client(agent, index % 2 ? 'alice' : 'bob'));
    for (let version = 1; version <= 200; version++) {
      written = version;
      writeAsKubelet(directory, pairOf(version));
      await delay(5);
      // Every tenth is waited for: from then on the one before works nowhere, on no connection.
      if (version % 10 !== 0) continue;
      await waitFor(`version ${version}`, async () => (await ask(agents[0]!, pairOf(version).alice)) === 200);
      for (const agent of agents)
        for (const old of [version - 1, version - 10])
          assert.equal(await ask(agent, pairOf(old).bob), 401, `version ${old} at ${version}`);
    }
    over = true;
    await Promise.all(clients);
    for (const agent of agents) agent.destroy();
    assert.ok(counts[200] > 100, JSON.stringify(counts));
    await waitFor('descriptors as before', () => readdirSync('/proc/self/fd').length <= descriptors + 2);
  });
});

const POLICY = (tools: string) => ({ 'policy.yaml': `version: 1\ntools: ${tools}\n` });

describe('a policy file', () => {
  test('decides beside the annotations, and the audit names rule and revision', async () => {
    const directory = volume();
    writeAsKubelet(directory, POLICY('{deny: [secret]}'));
    const { server, sidecar } = await startWithPolicy(directory, { denyTools: ['other'] });
    server.tools = [tool('echo'), tool('secret'), tool('other')];
    assert.deepEqual(toolsOf((await post(sidecar.url, LIST)).body), ['echo']);
    for (const [name, rule] of [
      ['secret', 'policy/tools.deny'],
      ['other', 'deny-tools'],
      ['echo', 'default'],
    ] as const) {
      await post(sidecar.url, call(name));
      const record = await untilAudit(sidecar, ({ target }) => target.name === name);
      assert.equal(record.metadata.extra.rule, rule);
      assert.match(record.metadata.extra.policy, /^[0-9a-f]{12}$/);
    }
    await fetch(sidecar.url, { method: 'PUT' });
    const refused = await untilAudit(
      sidecar,
      ({ outcome, target }) => outcome === 'failure' && target.method === 'PUT',
    );
    assert.match(refused.metadata.extra.policy, /^[0-9a-f]{12}$/);
    const { servers } = await sidecar.health();
    assert.match(servers[0].policy, /^[0-9a-f]{12}$/);
  });

  test('is followed: in calls, in lists that the server repeats byte by byte, and on streams that are open', async () => {
    const directory = volume();
    writeAsKubelet(directory, POLICY('{deny: [secret]}'));
    const { server, sidecar } = await startWithPolicy(directory);
    let send: ((message: unknown) => void) | undefined;
    server.answers.set('GET', (_, response) => (send = startStream(response)));
    const abort = new AbortController();
    stops.push(() => abort.abort());
    const session = await initialize(sidecar.url);
    const stream = await fetch(sidecar.url, {
      headers: { accept: 'text/event-stream', 'mcp-session-id': session, 'last-event-id': 'e1' },
      signal: abort.signal,
    });
    const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
    const onStream = async () => {
      send!({ jsonrpc: '2.0', id: 3, result: { tools: [tool('secret'), tool('echo')] } });
      return toolsOf((await reader.read()).value!.slice(6));
    };
    for (const [rules, left] of [
      ['{deny: [secret]}', ['echo']],
      ['{}', ['echo', 'secret']],
      ['{allow: [secret]}', ['secret']],
      ['{allow: []}', []],
      ['{mode: read-only}', []],
    ] as const) {
      const before = seen(sidecar, 'policy_loaded');
      writeAsKubelet(directory, POLICY(rules));
      if (rules !== '{deny: [secret]}') await waitFor(rules, () => seen(sidecar, 'policy_loaded') > before);
      assert.deepEqual(toolsOf((await post(sidecar.url, LIST)).body).toSorted(), left, rules);
      assert.deepEqual((await onStream()).toSorted(), left, rules);
      for (const name of ['echo', 'secret']) {
        const { body } = await post(sidecar.url, call(name));
        assert.equal(
          body.includes('Unknown tool'),
          !(left as readonly string[]).includes(name),
          `${rules} ${name}`,
        );
      }
    }
  });

  test('with a fault leaves the one before in force, and says so in health, metrics, log and audit', async () => {
    const directory = volume();
    writeAsKubelet(directory, POLICY('{deny: [secret]}'));
    const { sidecar } = await startWithPolicy(directory);
    const [{ policy: revision }] = (await sidecar.health()).servers;
    for (const [files, fault] of [
      [POLICY('{denny: [echo]}'), 'policy.yaml: tools.denny: ["echo"]: unknown key (line 2)'],
      [
        { 'policy.yaml': '' },
        'policy.yaml: (document): null: Invalid input: expected object, received null (line 1)',
      ],
      [{ 'policy.yml': 'version: 1' }, 'has no key policy.yaml'],
    ] as const) {
      writeAsKubelet(directory, files);
      const { servers, status } = await waitFor(fault, async () => {
        const health = await sidecar.health();
        return health.servers[0].problems?.[0]?.includes(fault) && health;
      });
      assert.equal(status, 'healthy');
      assert.deepEqual(servers[0].problems, [
        `ConfigMap mcp-policy: ${fault} (revision ${revision} stays in force)`,
      ]);
      assert.equal(servers[0].policy, revision);
      assert.match((await post(sidecar.url, call('secret'))).body, /Unknown tool/);
      assert.doesNotMatch((await post(sidecar.url, call('echo'))).body, /Unknown tool/);
    }
    assert.match(await metric(sidecar, 'kubectl_mcp_policy_valid'), / 0$/);
    assert.match(
      await metric(sidecar, 'kubectl_mcp_policy_reloads_total'),
      /result="taken"} 1\n.*result="refused"} 3$/,
    );
    assert.equal(seen(sidecar, 'policy_refused'), 3);
    const changes = sidecar.audit.filter(({ type }) => type === 'policy_change');
    assert.deepEqual(
      changes.map(({ outcome, metadata: { extra } }) => [outcome, extra.policy]),
      ['success', 'failure', 'failure', 'failure'].map((outcome) => [outcome, revision]),
    );
    writeAsKubelet(directory, POLICY('{deny: [echo]}'));
    await waitFor('a good one', async () => !(await sidecar.health()).servers[0].problems);
    assert.match((await post(sidecar.url, call('echo'))).body, /Unknown tool/);
    assert.match(await metric(sidecar, 'kubectl_mcp_policy_valid'), / 1$/);
  });

  for (const [what, files] of [
    ['has a fault', POLICY('{deny: secret}')],
    ['is not there', { other: 'x' }],
  ] as const) {
    test(`that ${what} at the start: every call is refused, until there is a good one`, async () => {
      const directory = volume();
      writeAsKubelet(directory, files);
      const server = await startScriptedServer();
      stops.push(server.stop);
      const sidecar = await startSidecar({
        upstreamPort: server.port,
        policy: { source: 'configmap/mcp-policy', directory },
      });
      stops.push(sidecar.stop);
      const { servers } = await waitFor('the server', async () => {
        const health = await sidecar.health();
        return health.servers[0].connected && health;
      });
      assert.match(servers[0].error, /^ConfigMap mcp-policy: .*\(all calls are refused\)$/);
      for (const message of [LIST, call('echo')]) {
        const { status, body } = await post(sidecar.url, message);
        assert.equal(status, 503);
        assert.match(body, /the policy of this server is not in force yet/);
        assert.doesNotMatch(body, /mcp-policy/);
      }
      assert.deepEqual(server.fromClients(), []);
      writeAsKubelet(directory, POLICY('{deny: [secret]}'));
      await untilHealth(sidecar, 'healthy');
      assert.equal((await post(sidecar.url, LIST)).status, 200);
    });
  }
});
