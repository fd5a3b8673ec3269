/** The table of answers through the whole sidecar, and what is only to be seen there. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { after, afterEach, before, describe, mock, test } from 'node:test';
import { TESTS_BUNDLES } from '../../bundles/programs.ts';
import { SECRET } from '../../rig/oidc-configuration.ts';
import { RESOURCE, startProvider, type TestProvider } from '../../rig/oidc-provider.ts';
import { ROWS, type World } from '../auth/oidc/answers.ts';
import { listen } from './listen.ts';
import { post } from './post.ts';
import { LIST, start, stops } from './proxied.ts';
import { startScriptedServer, startStream, type ScriptedServer } from './scripted-server.ts';
import { startSidecar, untilAudit, untilHealth, type TestSidecar } from './start-sidecar.ts';
import { waitFor } from './wait-for.ts';

const STATIC_TOKEN = 'a-static-token-of-somebody';
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

function files(entries: Record<string, string>): string {
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-oidc-'));
  for (const [name, text] of Object.entries(entries)) writeFileSync(join(directory, name), text);
  return directory;
}

/** The clock of the sidecar; what is real goes on. */
function holdClock(): (ms: number) => void {
  let nowMs = Date.now();
  mock.timers.enable({ apis: ['Date'], now: nowMs });
  return (ms) => mock.timers.setTime((nowMs += ms));
}

describe(
  'the answers of a server with tokens of a provider and static ones',
  {
    skip: TESTS_BUNDLES && 'moves the clock of its own process',
  },
  () => {
    const client = files({ client_id: 'proxy', client_secret: SECRET });
    const tokens = files({ 'system:admin': STATIC_TOKEN });
    let provider: TestProvider;
    let server: ScriptedServer;
    let sidecar: TestSidecar;
    let world: World;

    before(async () => {
      provider = await startProvider({ ttlSeconds: 3_600 });
      server = await startScriptedServer();
      sidecar = await startSidecar({
        upstreamPort: server.port,
        auth: {
          mode: 'several',
          of: [
            {
              mode: 'oidc',
              issuer: provider.issuer,
              audiences: [RESOURCE],
              requiredScopes: ['mcp:tools'],
              introspection: { source: 'secret/client', directory: client },
            },
            { mode: 'token', source: 'secret/mcp-tokens', directory: tokens },
          ],
        },
      });
      await waitFor('the provider', async () => {
        const { status, servers } = await sidecar.health();
        return status === 'healthy' && servers[0].problems === undefined;
      });
      world = { provider, staticToken: STATIC_TOKEN, kept: new Map(), forwardMs: holdClock() };
    });
    after(async () => {
      mock.timers.reset();
      await sidecar?.stop();
      await server?.stop();
      await provider?.stop();
      for (const directory of [client, tokens]) rmSync(directory, { recursive: true });
    });

    for (const { before: first, shows, credential, status, says, error, name, groups } of ROWS) {
      test(`${first ? `${first.says}: ` : ''}${shows}`, async () => {
        await first?.happens(world);
        const answer = await post(sidecar.url, LIST, bearer(await credential(world)));
        assert.equal(answer.status, status, answer.body);
        if (says) assert.equal(JSON.parse(answer.body).error.message, says);
        const challenge = answer.headers.get('www-authenticate') ?? '';
        assert.equal(/error="([^"]*)"/.exec(challenge)?.[1], error);
        assert.equal(answer.headers.has('retry-after'), status === 503);
        await sidecar.settled();
        const { subjects, outcome } = sidecar.audit.at(-1);
        assert.equal(outcome, { 200: 'success', 503: 'error' }[status] ?? 'denied');
        if (name) {
          assert.equal(subjects.user, name);
          assert.deepEqual(subjects.groups ?? [], groups);
        } else assert.equal(subjects.user, 'anonymous');
      });
    }
  },
);

describe('a provider that is away', () => {
  afterEach(() => mock.timers.reset());

  test('when the sidecar starts: 503 for its tokens and no others, said in /health, until it is there', async () => {
    const provider = await startProvider();
    stops.push(() => provider.stop());
    const token = await provider.token();
    await provider.stop();
    const tokens = files({ bob: STATIC_TOKEN });
    stops.push(() => rmSync(tokens, { recursive: true }));
    const { sidecar } = await start({
      auth: {
        mode: 'several',
        of: [
          { mode: 'oidc', issuer: provider.issuer, audiences: [RESOURCE] },
          { mode: 'token', source: 'secret/mcp-tokens', directory: tokens },
        ],
      },
    });
    const statusOf = async (credential: string) => (await post(sidecar.url, LIST, bearer(credential))).status;
    assert.deepEqual([await statusOf(token), await statusOf(STATIC_TOKEN)], [503, 200]);
    const problems = async (): Promise<string[] | undefined> => (await sidecar.health()).servers[0].problems;
    assert.deepEqual(await waitFor('the problem', problems), [
      `the OpenID provider ${provider.issuer} cannot be asked: ${provider.issuer}: nothing listens`,
    ]);
    await provider.start();
    await waitFor('its tokens', async () => (await statusOf(token)) === 200);
    assert.equal(await problems(), undefined);
  });

  test('alone, the whole server is degraded and says why', async () => {
    const provider = await startProvider();
    await provider.stop();
    const server = await startScriptedServer();
    stops.push(server.stop);
    const sidecar = await startSidecar({
      upstreamPort: server.port,
      auth: { mode: 'oidc', issuer: provider.issuer, audiences: [RESOURCE] },
    });
    stops.push(sidecar.stop);
    const { error } = await waitFor('the reason', async () => {
      const health = await untilHealth(sidecar, 'degraded');
      return health.servers[0].connected && health.servers[0];
    });
    assert.match(error, /^the OpenID provider .* nothing listens$/);
  });
});

test(
  'an opaque token that is revoked ends the streams that it has opened',
  { skip: TESTS_BUNDLES },
  async () => {
    const provider = await startProvider();
    stops.push(() => provider.stop());
    const client = files({ client_id: 'proxy', client_secret: SECRET });
    stops.push(() => rmSync(client, { recursive: true }));
    const { server, sidecar } = await start({
      auth: {
        mode: 'oidc',
        issuer: provider.issuer,
        audiences: [RESOURCE],
        introspection: { source: 'secret/client', directory: client },
      },
    });
    server.answers.set('GET', (_, response) => void startStream(response));
    const forwardMs = holdClock();
    stops.push(() => mock.timers.reset());
    const token = await provider.token({ client: 'opaque-agent' });
    const [revoked, kept] = [
      await listen(sidecar.url, token),
      await listen(sidecar.url, await provider.token()),
    ];
    await provider.revoke(token);
    forwardMs(31_000);
    await waitFor('the end of the stream', revoked);
    await delay(50);
    assert.equal(kept(), false);
    const { subjects, metadata } = await untilAudit(sidecar, ({ type }) => type === 'sse_connection');
    assert.deepEqual([subjects.user, metadata.extra.rule], ['oidc:opaque-agent', 'revoked']);
  },
);

test('a rule sees the claims that are named, the scopes and the prefixed groups, and no other claim', async () => {
  const provider = await startProvider();
  stops.push(() => provider.stop());
  const policy = files({
    'policy.yaml': `version: 1
rules:
  - name: tenants
    tools: [echo]
    allow: 'principal.claims["tenant"] == "t1" && "mcp:tools" in principal.scopes && "oidc:staff" in principal.groups'
  - { name: unnamed, tools: [secret], allow: 'principal.claims["other"] == "x"' }`,
  });
  stops.push(() => rmSync(policy, { recursive: true }));
  const { sidecar } = await start({
    auth: { mode: 'oidc', issuer: provider.issuer, audiences: [RESOURCE], claims: ['tenant'] },
    policy: { source: 'configmap/rules', directory: policy },
  });
  const toolsOf = async (claims: Record<string, unknown>): Promise<string[]> => {
    provider.claims = claims;
    const { body } = await post(sidecar.url, LIST, bearer(await provider.token()));
    return (JSON.parse(body).result.tools as { name: string }[]).map(({ name }) => name);
  };
  assert.deepEqual(await toolsOf({ tenant: 't1', groups: ['staff'], other: 'x' }), ['echo']);
  for (const claims of [
    {},
    { tenant: 't2', groups: ['staff'] },
    { tenant: 't1' },
    { tenant: ['t1'], groups: 'staff' },
  ])
    assert.deepEqual(await toolsOf(claims), []);
});
