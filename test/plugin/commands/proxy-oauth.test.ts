/** `kubectl mcp proxy --auth oidc`: a client logs in at the program, as docs/oauth.md says. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { freePorts } from '../../conformance/ports.ts';
import { startProvider } from '../../rig/oidc-provider.ts';
import { isUnauthorized, newUser, v2 } from '../../sidecar/wire/oauth-client.ts';
import { startScriptedServer } from '../../sidecar/wire/scripted-server.ts';
import { play, worldOf } from '../../sidecar/wire/world.ts';
import { spawnProxy } from '../proxy/spawn-proxy.ts';

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.toReversed()) await stop();
});

test('the proxy on this machine takes people who log in with a client', async () => {
  const provider = await startProvider();
  stops.push(provider.stop);
  const server = await startScriptedServer();
  stops.push(server.stop);
  play(server, worldOf(['open']));
  const [port = 0] = await freePorts(1);
  const url = `http://127.0.0.1:${port}/mcp`;
  const proxy = await spawnProxy(
    [
      '--upstream',
      `http://127.0.0.1:${server.port}/mcp`,
      '--public-url',
      url,
      '--auth',
      'oidc',
      '--oidc-issuer',
      provider.issuer,
      '--oidc-scopes',
      'mcp:tools',
    ],
    { listen: `127.0.0.1:${port}` },
  );
  stops.push(async () => assert.equal(await proxy.stop(), 0));
  const user = newUser();
  const refused = v2(url, user);
  await assert.rejects(refused.connected, isUnauthorized);
  assert.match(user.sent[0]!.searchParams.get('scope')!, /\bmcp:tools\b/);
  await refused.client.finishAuth(await user.signIn(provider));
  const { connected, client } = v2(url, user);
  await connected;
  assert.deepEqual(
    (await client.listTools()).tools.map((each) => each.name),
    ['open'],
  );
  await client.close();
});
