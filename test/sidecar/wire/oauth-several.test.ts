/** Two servers behind one sidecar: each says where it is itself, and who lets its callers in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../../sidecar/config.ts';
import { createSidecar } from '../../../sidecar/sidecar.ts';
import { freePorts } from '../../conformance/ports.ts';
import { startProvider } from '../../rig/oidc-provider.ts';
import { call, post } from './post.ts';
import { stops } from './proxied.ts';
import { startScriptedServer } from './scripted-server.ts';
import { DRAIN_PATH, POD } from './start-sidecar.ts';

const WELL_KNOWN = '/.well-known/oauth-protected-resource';

test('servers of one pod have metadata of their own, or none; a token for one is refused by the other', async () => {
  const provider = await startProvider();
  stops.push(provider.stop);
  const [adminPort, ...ports] = (await freePorts(4)) as [number, number, number, number];
  const upstream = await startScriptedServer();
  stops.push(upstream.stop);
  const resource = (name: string) => `https://tools.example.com/${name}`;
  const servers = ['weather', 'news', 'open'].map((name, index) => ({
    name: `tools/${name}`,
    listenPort: ports[index],
    publicUrl: resource(name),
    upstream: { transport: 'streamable-http', port: upstream.port, path: `/${name}` },
    auth:
      name === 'open'
        ? { mode: 'none' }
        : { mode: 'oidc', issuer: provider.issuer, audiences: [resource(name)] },
  }));
  const drain = { path: DRAIN_PATH, endpointGraceMs: 0, timeoutMs: 5_000 };
  const config = parseConfig(JSON.stringify({ version: 1, adminPort, drain, servers }));
  const audit = { write: () => undefined, dropped: () => 0, flush: () => Promise.resolve() };
  const sidecar = await createSidecar(config, {
    pod: { ...POD, ip: '127.0.0.1' },
    audit,
    log: () => undefined,
  });
  stops.push(() => sidecar.close(100));
  await sidecar.listen();

  const told = await Promise.all(
    ports.map(async (port) => {
      const answer = await fetch(`http://127.0.0.1:${port}${WELL_KNOWN}`);
      return answer.ok ? ((await answer.json()) as { resource: string }).resource : answer.status;
    }),
  );
  assert.deepEqual(told, [resource('weather'), resource('news'), 404]);
  const token = await provider.token({ resource: resource('weather') });
  const statuses = await Promise.all(
    ports.slice(0, 2).map(async (port) => {
      const headers = { authorization: `Bearer ${token}` };
      const sent = await post(`http://127.0.0.1:${port}/mcp`, call('echo'), headers);
      return [
        sent.status,
        /resource_metadata="([^"]+)"/.exec(sent.headers.get('www-authenticate') ?? '')?.[1],
      ];
    }),
  );
  assert.deepEqual(statuses, [
    [200, undefined],
    [401, `https://tools.example.com${WELL_KNOWN}/news`],
  ]);
});
