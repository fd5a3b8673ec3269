/** `authorization: kubernetes` on the wire, before an API server that is stopped and started. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { startReviewingApi, type ReviewingApi } from '../access/reviewing-api.ts';
import { writeAsKubelet } from '../mounted/write-volume.ts';
import { postModern } from './modern-meta.ts';
import { post } from './post.ts';
import { as, start, stops, tokens } from './proxied.ts';
import { sendResult, startStream, type ScriptedServer } from './scripted-server.ts';
import type { SidecarOptions, TestSidecar } from './start-sidecar.ts';
import { waitFor } from './wait-for.ts';
import { play, worldOf, type World } from './world.ts';

type Era = 'legacy' | 'modern';
type Options = {
  era?: Era;
  cache?: [allowed: number, denied: number];
  auth?: SidecarOptions['auth'];
  policy?: string;
};

async function startWith(
  grants: readonly string[],
  world: World,
  { era = 'legacy', cache = [30, 10], auth = tokens(), policy }: Options = {},
): Promise<{ api: ReviewingApi; server: ScriptedServer; sidecar: TestSidecar }> {
  const api = await startReviewingApi(grants);
  stops.push(api.remove);
  const started = await start(
    {
      ...(auth ? { auth } : {}),
      ...(policy === undefined ? {} : { policy: policyFile(policy) }),
      apiServer: api.apiServer,
      edge: {
        authorization: {
          mode: 'kubernetes',
          directory: api.directory,
          cacheAllowedSeconds: cache[0],
          cacheDeniedSeconds: cache[1],
        },
      },
    },
    era,
  );
  play(started.server, world);
  return { api, ...started };
}

function policyFile(text: string): NonNullable<SidecarOptions['policy']> {
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-access-'));
  stops.push(() => rmSync(directory, { recursive: true }));
  writeAsKubelet(directory, { 'policy.yaml': text });
  return { source: 'configmap/mcp-policy', directory };
}

async function ask(
  { url }: TestSidecar,
  era: Era,
  method: string,
  params: Record<string, unknown>,
  headers: Record<string, string> = as('alice'),
): Promise<{ result?: Record<string, unknown>; error?: { code: number; message: string } }> {
  if (era === 'modern') return (await postModern(url, method, params, { headers })).last;
  const { body } = await post(url, { jsonrpc: '2.0', id: 1, method, params }, headers);
  return JSON.parse(body);
}

const listed = async (sidecar: TestSidecar, who = 'alice'): Promise<string[]> => {
  const { result } = await ask(sidecar, 'modern', 'tools/list', {}, as(who));
  return (result!['tools'] as { name: string }[]).map(({ name }) => name);
};
const called = async (sidecar: TestSidecar, name: string, who = 'alice'): Promise<string | undefined> =>
  (await ask(sidecar, 'legacy', 'tools/call', { name, arguments: {} }, as(who))).error?.message;

describe('authorization by Kubernetes', () => {
  test('asks who may call which tool, first without a name, and keeps the answers', async () => {
    const { api, sidecar } = await startWith(['token:alice call open'], worldOf(['open', 'hidden']));
    assert.equal(await called(sidecar, 'open'), undefined);
    assert.equal(await called(sidecar, 'hidden'), 'Unknown tool: hidden');
    assert.equal(await called(sidecar, 'absent'), 'Unknown tool: absent');
    assert.equal(await called(sidecar, 'open'), undefined);
    const resourceAttributes = {
      namespace: 'ns',
      group: 'tools.kubectl-mcp.dev',
      version: '*',
      resource: 'tested',
      verb: 'call',
    };
    assert.deepEqual(
      api.asked.map(({ spec }) => spec),
      [{}, { name: 'open' }, { name: 'hidden' }, { name: 'absent' }].map((name) => ({
        user: 'token:alice',
        groups: [],
        resourceAttributes: { ...resourceAttributes, ...name },
      })),
    );
    const record = sidecar.audit.find((each) => each.target?.name === 'hidden');
    assert.equal(record.metadata.extra.rule, 'authorization');
  });

  test('asks once for a caller who may call each tool', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `tool-${index}`);
    const { api, sidecar } = await startWith(['token:alice call'], worldOf(names), { era: 'modern' });
    assert.deepEqual(await listed(sidecar), names);
    assert.equal(await called(sidecar, 'tool-7'), undefined);
    assert.equal(api.asked.length, 1);
    // What is known to be all of it is sent as it came, to this caller alone.
    const { result } = await ask(sidecar, 'modern', 'tools/list', {});
    assert.equal((result!['tools'] as unknown[]).length, 50);
    assert.equal(result!['cacheScope'], 'private');
  });

  test('lists what may be called, asking for at most eight tools at a time over connections that are kept', async () => {
    const names = Array.from({ length: 200 }, (_, index) => `tool-${index}`);
    const mine = names.filter((_, index) => index % 3 === 0);
    const { api, sidecar } = await startWith(
      mine.map((each) => `token:alice call ${each}`),
      worldOf(names),
      { era: 'modern' },
    );
    const [one, other] = await Promise.all([listed(sidecar), listed(sidecar)]);
    assert.deepEqual(one, mine);
    assert.deepEqual(other, mine);
    assert.equal(api.asked.length, 201, 'two lists at once ask for each tool once');
    assert.ok(api.atOnce() > 1 && api.atOnce() <= 8, String(api.atOnce()));
    assert.ok(api.connections() <= 9, String(api.connections()));
    assert.deepEqual(await listed(sidecar, 'bob'), []);
  });

  test('takes a binding that is removed or made, once what was known is old', async () => {
    const { api, sidecar } = await startWith(['token:alice call open'], worldOf(['open']), { cache: [1, 1] });
    assert.equal(await called(sidecar, 'open'), undefined);
    api.grants.clear();
    await waitFor('no answer any more', async () => (await called(sidecar, 'open')) !== undefined);
    api.grants.add('token:alice call');
    await waitFor('an answer again', async () => (await called(sidecar, 'open')) === undefined);
  });

  for (const [client, server] of [
    ['legacy', 'legacy'],
    ['modern', 'modern'],
    ['modern', 'legacy'],
  ] as const)
    test(`hides by no sequence of requests told what it denies (${client} clients, ${server} server)`, async () => {
      const grants = [
        'token:alice call open',
        'token:alice get open',
        'token:alice read note:///open',
        'token:alice read note:///open/{part}',
        'token:alice read note:///open/a',
      ];
      const having = await startWith(grants, worldOf(['open', 'hidden']), { era: server });
      const lacking = await startWith(grants, worldOf(['open']), { era: server });
      for (const [method, params] of [
        ['tools/call', { name: 'open', arguments: {} }],
        ['prompts/get', { name: 'open' }],
        ['resources/read', { uri: 'note:///open' }],
      ] as const)
        assert.ok((await ask(having.sidecar, client, method, params)).result, method);
      await fc.assert(
        fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 8 }), async (requests) => {
          for (const [method, params] of requests) {
            const [one, other] = await Promise.all(
              [having, lacking].map(({ sidecar }) => ask(sidecar, client, method, params)),
            );
            assert.deepEqual(one, other);
            const words = JSON.stringify(params);
            if (!words.includes('hidden')) continue;
            const absent = await ask(
              having.sidecar,
              client,
              method,
              JSON.parse(words.replaceAll('hidden', 'absent')),
            );
            assert.deepEqual(one, JSON.parse(JSON.stringify(absent).replaceAll('absent', 'hidden')));
          }
        }),
        { numRuns: 12 },
      );
    });

  test('takes values out of a completion that would make what the caller may not read', async () => {
    const { sidecar } = await startWith(
      ['token:alice read note:///open/{part}', 'token:alice read note:///open/a'],
      worldOf(['open']),
    );
    const { result } = await ask(sidecar, 'legacy', 'completion/complete', {
      ref: { type: 'ref/resource', uri: 'note:///open/{part}' },
      argument: { name: 'part', value: '' },
    });
    assert.deepEqual(result?.['completion'], { values: ['a'] });
  });

  test('lets through the news that a caller may have, in their order', async () => {
    const { server, sidecar } = await startWith(['token:alice read note:///open'], worldOf(['open']), {
      era: 'modern',
    });
    server.answers.set('subscriptions/listen', ({ message }, response) => {
      const tell = startStream(response);
      const { notifications } = message!.params as { notifications: object };
      tell({ jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: { notifications } });
      for (const each of ['hidden', 'open'])
        tell({
          jsonrpc: '2.0',
          method: 'notifications/resources/updated',
          params: { uri: `note:///${each}` },
        });
      tell({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
      response.end();
    });
    const { messages } = await postModern(
      sidecar.url,
      'subscriptions/listen',
      { notifications: { resourceSubscriptions: ['note:///hidden', 'note:///open'] } },
      { headers: as('alice') },
    );
    assert.deepEqual(
      messages.map(({ method, params }) => [method, params?.uri ?? params?.notifications]),
      [
        ['notifications/subscriptions/acknowledged', { resourceSubscriptions: ['note:///open'] }],
        ['notifications/resources/updated', 'note:///open'],
        ['notifications/tools/list_changed', undefined],
      ],
    );
  });

  test('speaks of tools by their own names where callers know them by others, and the policy decides too', async () => {
    const { api, sidecar } = await startWith(
      ['token:alice call open', 'token:alice call denied'],
      worldOf(['open', 'hidden', 'denied']),
      {
        era: 'modern',
        policy: `version: 1
tools: {deny: [denied], overrides: [{tool: open, name: shown}, {tool: hidden, name: hush}]}`,
      },
    );
    assert.deepEqual(await listed(sidecar), ['shown']);
    assert.equal(await called(sidecar, 'shown'), undefined);
    for (const each of ['hush', 'hidden', 'open', 'denied', 'absent'])
      assert.equal(await called(sidecar, each), `Unknown tool: ${each}`);
    assert.deepEqual(
      new Set(api.asked.map(({ spec }) => spec.resourceAttributes.name)),
      new Set([undefined, 'open', 'hidden', 'denied', 'absent']),
    );
  });

  test('asks for no name that is longer than any thing’s', async () => {
    const { api, sidecar } = await startWith([], worldOf(['open']));
    for (const length of [4_096, 4_097]) {
      const uri = 'note:///'.padEnd(length, 'a');
      assert.equal(
        (await ask(sidecar, 'legacy', 'resources/read', { uri })).error?.message,
        `Resource not found: ${uri}`,
      );
      const asked = api.asked.filter(({ spec }) => spec.resourceAttributes.name === uri);
      assert.equal(asked.length, Number(length === 4_096));
    }
  });

  test('lets no cache share what one caller may read', async () => {
    const { server, sidecar } = await startWith(['token:alice read'], worldOf(['open']), { era: 'modern' });
    server.answers.set('resources/read', (request, response) =>
      sendResult(request, response, { contents: [], ttlMs: 1_000, cacheScope: 'public' }),
    );
    const { result } = await ask(sidecar, 'modern', 'resources/read', { uri: 'note:///open' });
    assert.deepEqual(result, { contents: [], ttlMs: 1_000, cacheScope: 'private' });
  });

  test('keeps a task from its owner once the tool is no longer granted', async () => {
    const { api, server, sidecar } = await startWith(['token:alice call open'], worldOf(['open']), {
      cache: [1, 1],
    });
    server.answers.set(
      'tools/call',
      ({ message }, response) =>
        void response.writeHead(200, { 'content-type': 'application/json' }).end(
          JSON.stringify({
            jsonrpc: '2.0',
            id: message?.id,
            result: { task: { taskId: 't', status: 'working' } },
          }),
        ),
    );
    for (const method of ['tasks/get', 'tasks/list'])
      server.answers.set(
        method,
        ({ message }, response) =>
          void response.writeHead(200, { 'content-type': 'application/json' }).end(
            JSON.stringify({
              jsonrpc: '2.0',
              id: message?.id,
              result: method === 'tasks/get' ? { taskId: 't' } : { tasks: [{ taskId: 't' }] },
            }),
          ),
      );
    await ask(sidecar, 'legacy', 'tools/call', { name: 'open', arguments: {}, task: {} });
    const got = () => ask(sidecar, 'legacy', 'tasks/get', { taskId: 't' });
    const tasks = async () => (await ask(sidecar, 'legacy', 'tasks/list', {})).result?.['tasks'];
    assert.deepEqual((await got()).result, { taskId: 't' });
    assert.deepEqual(await tasks(), [{ taskId: 't' }]);
    api.grants.clear();
    await waitFor('the task to be nobody’s', async () => (await got()).error?.message === 'Task not found');
    assert.deepEqual(await tasks(), []);
  });
});

describe('callers, as bindings know them,', () => {
  test('are nobody’s where there is no authentication', async () => {
    const { sidecar } = await startWith(['system:unauthenticated call open'], worldOf(['open', 'hidden']), {
      auth: { mode: 'none' },
    });
    assert.equal(await called(sidecar, 'open'), undefined);
    assert.equal(await called(sidecar, 'hidden'), 'Unknown tool: hidden');
  });
});

describe('an API server that is away', () => {
  test('lets nobody through, says so in the health, and is asked again', async () => {
    const { api, sidecar } = await startWith(['token:alice call open'], worldOf(['open']), { cache: [1, 1] });
    assert.equal(await called(sidecar, 'open'), undefined);
    await api.stop();
    await waitFor('503', async () => {
      const { status, body } = await post(
        sidecar.url,
        { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'open' } },
        as('alice'),
      );
      if (status === 200) return false;
      assert.equal(status, 503);
      assert.match(body, /who may call what cannot be asked at the moment/);
      assert.doesNotMatch(body, /ECONNREFUSED|localhost/);
      return true;
    });
    const health = await sidecar.health();
    assert.equal(health.status, 'degraded');
    assert.match(health.servers[0].problems[0], /ECONNREFUSED/);
    const metrics = await (await fetch(`${sidecar.adminUrl}/metrics`)).text();
    assert.match(metrics, /^kubectl_mcp_access_ready\{server="tested"\} 0$/m);
    assert.match(metrics, /^kubectl_mcp_access_reviews_total\{server="tested",answer="unanswered"\} [1-9]/m);
    await api.start();
    await waitFor('an answer', async () => (await called(sidecar, 'open')) === undefined);
    assert.equal((await sidecar.health()).status, 'healthy');
    const told = (): string[] =>
      sidecar.events.map(({ event }) => event).filter((event) => event.startsWith('access_reviews'));
    await waitFor('the events', () => told().length > 1);
    assert.deepEqual(told(), ['access_reviews_unanswered', 'access_reviews_answered']);
  });

  test('that may not be asked, for want of a Role, says so in the health', async () => {
    const { api, sidecar } = await startWith([], worldOf(['open']));
    api.refusal = { status: 403, message: 'system:serviceaccount:ns:default cannot create resource' };
    await called(sidecar, 'open');
    await waitFor('the health', async () => (await sidecar.health()).status === 'degraded');
    assert.match((await sidecar.health()).servers[0].problems[0], /answered 403: system:serviceaccount/);
  });

  test('makes what cannot be asked look like what is not there, and a list an error', async () => {
    const { api, sidecar } = await startWith(['token:alice call open'], worldOf(['open', 'hidden', 'other']));
    assert.equal(await called(sidecar, 'open'), undefined);
    await api.stop();
    assert.equal(
      await called(sidecar, 'hidden'),
      await (await called(sidecar, 'absent'))?.replace('absent', 'hidden'),
    );
    assert.equal(await called(sidecar, 'open'), undefined, 'what is known is known');
    const { error } = await ask(sidecar, 'modern', 'tools/list', {});
    assert.match(error!.message, /cannot be asked/);
    const record = sidecar.audit.find((each) => each.target?.name === 'hidden');
    assert.equal(record.metadata.extra.rule, 'authorization-unanswered');
  });
});

const name = fc.constantFrom('open', 'hidden', 'absent');
const request = fc.oneof(
  fc
    .constantFrom('tools/list', 'resources/list', 'resources/templates/list', 'prompts/list')
    .map((method) => [method, {}] as const),
  name.map((each) => ['tools/call', { name: each, arguments: {} }] as const),
  name.map((each) => ['prompts/get', { name: each }] as const),
  fc
    .tuple(name, fc.constantFrom('', '/a', '/b'))
    .map(([each, part]) => ['resources/read', { uri: `note:///${each}${part}` }] as const),
  name.map(
    (each) =>
      [
        'completion/complete',
        { ref: { type: 'ref/prompt', name: each }, argument: { name: 'a', value: '' } },
      ] as const,
  ),
  name.map(
    (each) =>
      [
        'completion/complete',
        {
          ref: { type: 'ref/resource', uri: `note:///${each}/{part}` },
          argument: { name: 'part', value: '' },
        },
      ] as const,
  ),
);
