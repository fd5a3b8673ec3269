/** `kubectl mcp proxy --auth oidc` as a process, with a real provider beside it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { SECRET } from '../../rig/oidc-configuration.ts';
import { RESOURCE, startProvider, type TestProvider } from '../../rig/oidc-provider.ts';
import { LIST } from '../../sidecar/wire/proxied.ts';
import { post } from '../../sidecar/wire/post.ts';
import { startScriptedServer, type ScriptedServer } from '../../sidecar/wire/scripted-server.ts';
import { waitFor } from '../../sidecar/wire/wait-for.ts';
import { spawnProxy } from '../proxy/spawn-proxy.ts';
import { run } from '../run.ts';

const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-proxy-oidc-'));
let provider: TestProvider;
let server: ScriptedServer;
let flags: string[];
before(async () => {
  provider = await startProvider();
  server = await startScriptedServer();
  flags = ['--upstream', `http://127.0.0.1:${server.port}/mcp`, '--oidc-issuer', provider.issuer];
});
after(async () => {
  await server.stop();
  await provider.stop();
  rmSync(directory, { recursive: true });
});

const write = (name: string, text: string): string => {
  writeFileSync(join(directory, name), text);
  return join(directory, name);
};
const statusOf = async (url: string, token: string): Promise<number> =>
  (await post(url, LIST, { authorization: `Bearer ${token}` })).status;

test('takes JWTs and opaque tokens of a provider beside static ones', async () => {
  const proxy = await spawnProxy([
    ...flags,
    '--auth',
    'oidc,token',
    '--oidc-audience',
    RESOURCE,
    '--oidc-introspection-file',
    write('client', `client_id=proxy\nclient_secret=${SECRET}\n`),
    '--auth-token-file',
    write('tokens', 'bob=token-of-bob\n'),
  ]);
  try {
    await waitFor('the keys', () => proxy.stderr().includes('Read the keys of'));
    assert.deepEqual(
      [
        await statusOf(proxy.url, await provider.token()),
        await statusOf(proxy.url, await provider.token({ client: 'opaque-agent' })),
        await statusOf(proxy.url, 'token-of-bob'),
        await statusOf(proxy.url, 'token-of-eve'),
      ],
      [200, 200, 200, 401],
    );
    await waitFor('the audit lines', () => proxy.lines.length === 4);
    assert.deepEqual(
      proxy.lines.map((line) => JSON.parse(line).subjects.user),
      ['oidc:agent', 'oidc:opaque-agent', 'token:bob', 'anonymous'],
    );
    assert.ok(!proxy.stderr().includes(SECRET));
  } finally {
    assert.equal(await proxy.stop(), 0);
  }
});

test('starts while the provider is away, and says so', async () => {
  await provider.stop();
  const proxy = await spawnProxy([...flags, '--auth', 'oidc', '--oidc-audience', RESOURCE]);
  try {
    await waitFor('the warning', () => proxy.stderr().includes('cannot be asked'));
    assert.match(
      proxy.stderr(),
      new RegExp(
        `Warning: the OpenID provider ${provider.issuer} cannot be asked: .* nothing listens\\. Nobody with a token of it is let in`,
      ),
    );
    await provider.start();
    const token = await provider.token();
    await waitFor('the provider', async () => (await statusOf(proxy.url, token)) === 200);
  } finally {
    assert.equal(await proxy.stop(), 0);
  }
});

const saidOf = async (...args: string[]): Promise<string> => {
  const { code, stderr } = await run(['proxy', ...flags, ...args]);
  assert.equal(code, 1);
  return stderr;
};

test('says what is missing, in words of the flags', async () => {
  assert.match(await saidOf('--auth', 'oidc'), /--auth oidc needs --oidc-audience/);
  assert.match(
    await saidOf('--auth', 'oidc', '--oidc-audience', 'a', '--oidc-algorithms', 'HS256'),
    /--oidc-algorithms.*is not allowed/,
  );
  assert.match(await saidOf('--auth', 'token'), /--auth token needs --auth-token-file/);
  assert.match(
    await saidOf('--auth', 'none', '--oidc-introspection-file', write('client2', 'client_id=a\n')),
    /--oidc-introspection-file has no effect with --auth none/,
  );
  assert.match(
    await saidOf(
      '--auth',
      'oidc',
      '--oidc-audience',
      'a',
      '--oidc-introspection-file',
      write('client3', 'client_id=a\n'),
    ),
    /client_secret is not there/,
  );
});
