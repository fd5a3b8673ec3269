/** Agents that call for their users, through the whole sidecar; with the example of docs/authentication.md. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { exportPKCS8 } from 'jose';
import { cluster, key } from '../auth/ask-cluster.ts';
import { AUDIENCE, createSigningKey, mintToken } from '../auth/fake-cluster.ts';
import { HEADERS, INITIALIZE, post } from './post.ts';
import { as, LIST, start, stops, tokens } from './proxied.ts';
import { waitFor } from './wait-for.ts';

const ISSUER = 'system:serviceaccount:ns:caller';
const signing = await createSigningKey('agent-1', 'ES256');

interface Agent {
  readonly issuer: string;
  readonly audience: string;
  readonly token: string;
  readonly keyId: string;
  readonly key: string;
}
type FetchFor = (user: string, groups: readonly string[], agent: Agent) => typeof fetch;

async function example(): Promise<FetchFor> {
  const page = readFileSync(new URL('../../../docs/authentication.md', import.meta.url), 'utf8');
  const [, code] = /```js\n(import[\s\S]+?)```/.exec(page) ?? [];
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-wire-'));
  stops.push(() => rmSync(directory, { recursive: true }));
  symlinkSync(new URL('../../../node_modules', import.meta.url).pathname, join(directory, 'node_modules'));
  const file = join(directory, 'example.mjs');
  writeFileSync(file, code!);
  const { fetchFor } = (await import(pathToFileURL(file).href)) as { fetchFor: FetchFor };
  return fetchFor;
}

function actors(): { source: string; directory: string } {
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-wire-'));
  stops.push(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'ns.caller'), JSON.stringify({ keys: [signing.jwk] }));
  return { source: 'configmap/actors', directory };
}

const kubernetes = (more: object = {}) => ({
  auth: {
    mode: 'kubernetes' as const,
    audience: AUDIENCE,
    allowPrincipals: ['ns/*'],
    directory: cluster.directory,
    ...more,
  },
  apiServer: cluster.apiServer,
});

async function agent(): Promise<Agent> {
  return {
    issuer: ISSUER,
    audience: AUDIENCE,
    token: await mintToken(key),
    keyId: signing.kid,
    key: await exportPKCS8(signing.privateKey),
  };
}

/** A request as the example makes it, caught on its way. */
async function caught(message: object): Promise<Record<string, string>> {
  const fetchFor = await example();
  const real = globalThis.fetch;
  let headers: Record<string, string> = {};
  globalThis.fetch = async (_, init) => {
    headers = Object.fromEntries(new Headers(init!.headers));
    return new Response();
  };
  try {
    await fetchFor(
      'alice',
      [],
      await agent(),
    )('http://x/', {
      method: 'POST',
      headers: HEADERS,
      body: JSON.stringify(message),
    });
  } finally {
    globalThis.fetch = real;
  }
  return headers;
}

describe('agents that call for their users', () => {
  test('the example of the page, as the fetch of a client of the SDK', async () => {
    const { sidecar, server } = await start(kubernetes({ trustedActors: actors() }));
    const fetchFor = await example();
    const client = new Client({ name: 'agent', version: '1' });
    const transport = new StreamableHTTPClientTransport(new URL(sidecar.url), {
      fetch: fetchFor('alice', ['finance'], await agent()),
    });
    await client.connect(transport as Transport);
    assert.ok((await client.listTools()).tools.length > 0);
    const session = transport.sessionId!;
    await transport.terminateSession();
    await client.close();
    await sidecar.settled();
    const listed = sidecar.audit.find(({ target }) => target.method === 'tools/list');
    assert.equal(listed.subjects.user, 'ns/caller:alice');
    assert.deepEqual(listed.delegation, { chain: [ISSUER] });
    assert.ok(sidecar.audit.every(({ outcome }) => outcome === 'success' || outcome === 'failure'));
    assert.ok(server.requests.every(({ headers }) => headers['mcp-user-assertion'] === undefined));
    // The session was the user's.
    const { authorization } = await caught(LIST);
    const own = await post(sidecar.url, LIST, { authorization: authorization!, 'mcp-session-id': session });
    assert.equal(own.status, 404);
  });

  test('the session of one user is not another’s, with the same agent', async () => {
    const { sidecar } = await start(kubernetes({ trustedActors: actors() }));
    const fetchFor = await example();
    const own = await agent();
    const by = (user: string, groups: string[] = []) => fetchFor(user, groups, own);
    const ask = async (send: typeof fetch, message: object, headers: object = {}) =>
      send(sidecar.url, {
        method: 'POST',
        headers: { ...HEADERS, ...headers },
        body: JSON.stringify(message),
      });
    const session = { 'mcp-session-id': (await ask(by('alice'), INITIALIZE)).headers.get('mcp-session-id')! };
    for (const [user, status] of [
      ['alice', 200],
      ['bob', 404],
      ['Alice', 404],
      ['ns/caller:alice', 404],
    ] as const)
      assert.equal((await ask(by(user), LIST, session)).status, status, user);
    // Groups come and go, and each request has its own.
    assert.equal((await ask(by('alice', ['finance']), LIST, session)).status, 200);
    const end = await by('bob')(sidecar.url, { method: 'DELETE', headers: session });
    assert.equal(end.status, 404);
    await sidecar.settled();
    assert.deepEqual(
      sidecar.audit.map(({ subjects, delegation }) => [subjects.user, delegation.chain]).at(-1),
      ['ns/caller:bob', [ISSUER]],
    );
  });

  test('an assertion is for one body, and for one request', async () => {
    const { sidecar } = await start(kubernetes({ trustedActors: actors() }));
    const headers = await caught(INITIALIZE);
    const other = await post(sidecar.url, LIST, headers);
    assert.deepEqual(
      [other.status, other.headers.get('www-authenticate')],
      [401, 'Bearer realm="mcp", error="invalid_token"'],
    );
    assert.match(other.body, /\\"bh\\" is not the SHA-256 of this body/);
    assert.equal((await post(sidecar.url, INITIALIZE, headers)).status, 200);
    const again = await post(sidecar.url, INITIALIZE, headers);
    assert.equal(again.status, 401);
    assert.match(again.body, /has been used/);
    await sidecar.settled();
    const refused = sidecar.audit.filter(({ outcome }) => outcome === 'denied');
    assert.deepEqual(
      refused.map(({ metadata, subjects }) => [metadata.extra.rule, subjects.user]),
      [
        ['auth', 'ns/caller:alice'],
        ['auth', 'ns/caller:alice'],
      ],
    );
  });

  test('a body of a batch is bound as a whole', async () => {
    const { sidecar } = await start(kubernetes({ trustedActors: actors() }));
    const batch = [LIST, { ...LIST, id: 8 }];
    const headers = await caught(batch);
    assert.equal((await post(sidecar.url, [LIST, { ...LIST, id: 9 }], headers)).status, 401);
    assert.equal((await post(sidecar.url, batch, headers)).status, 200);
  });

  test('a stream lasts with the token of the agent, and no longer than it is trusted', async () => {
    const trustedActors = actors();
    const { sidecar, server } = await start(kubernetes({ trustedActors }));
    server.answers.set(
      'GET',
      (_, response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).write(':\n\n'),
    );
    const open = (await example())('alice', [], await agent());
    const response = await open(sidecar.url, { method: 'GET', headers: { accept: 'text/event-stream' } });
    assert.equal(response.status, 200);
    let ended = false;
    void response.text().then(
      () => (ended = true),
      () => (ended = true),
    );
    writeFileSync(join(trustedActors.directory, 'ns.caller'), '{}');
    await waitFor('the end of the stream', () => ended);
  });

  test('nobody else may say so: not without trusted-actors, nor with another kind of token', async () => {
    const { 'mcp-user-assertion': assertion, authorization } = await caught(LIST);
    const said = { 'mcp-user-assertion': assertion! };
    const plain = await start(kubernetes());
    const words = /this caller may not speak for others/;
    const first = await post(plain.sidecar.url, LIST, { ...said, authorization: authorization! });
    assert.deepEqual([first.status, words.test(first.body)], [403, true]);
    const open = await start();
    assert.equal((await post(open.sidecar.url, LIST, said)).status, 403);
    const { auth } = kubernetes({ trustedActors: actors() });
    const several = await start({
      auth: {
        mode: 'several',
        of: [auth, tokens() as Exclude<ReturnType<typeof tokens>, undefined> & { mode: 'token' }],
      },
      apiServer: cluster.apiServer,
    });
    assert.equal((await post(several.sidecar.url, LIST, { ...as('alice'), ...said })).status, 403);
    assert.equal(
      (await post(several.sidecar.url, LIST, { ...said, authorization: authorization! })).status,
      200,
    );
    assert.equal((await post(several.sidecar.url, LIST, as('alice'))).status, 200);
    const metrics = await (await fetch(`${several.sidecar.adminUrl}/metrics`)).text();
    for (const kind of ['kubernetes', 'token'])
      assert.ok(metrics.includes(`kubectl_mcp_auth_kind_ready{server="tested",kind="${kind}"} 1\n`));
  });

  test('two of them in one request are refused', async () => {
    const { sidecar } = await start(kubernetes({ trustedActors: actors() }));
    const headers = await caught(LIST);
    const twice = { ...headers, 'mcp-user-assertion': `${headers['mcp-user-assertion']}, x` };
    assert.equal((await post(sidecar.url, LIST, twice)).status, 401);
  });
});
