import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { freePorts } from '../../conformance/ports.ts';
import { call, post } from './post.ts';
import { startScriptedServer } from './scripted-server.ts';
import { startSidecar, untilHealth } from './start-sidecar.ts';
import { waitFor } from './wait-for.ts';
import { stops, start } from './proxied.ts';

describe('a server that is away', () => {
  test('when the sidecar starts is waited for: the first call is answered', async () => {
    const [port] = (await freePorts(1)) as [number];
    const sidecar = await startSidecar({ upstreamPort: port });
    stops.push(sidecar.stop);
    const early = post(sidecar.url, call('echo'));
    await waitFor('a failed attempt', () => sidecar.events.some(({ event }) => event === 'server_degraded'));
    const server = await startScriptedServer(port);
    stops.push(server.stop);
    assert.equal((await early).status, 200);
    assert.equal(server.fromClients().length, 1, 'sent once');
  });

  test('later is told at once: 503 with the id of the request, and found again', async () => {
    const { server, sidecar } = await start({ filter: { denyTools: ['secret'] } });
    const { port } = server;
    await server.stop();
    stops.splice(stops.indexOf(server.stop), 1);
    const { status, headers, body } = await post(sidecar.url, call('echo', 'x'));
    assert.equal(status, 503);
    assert.equal(headers.get('retry-after'), '2');
    assert.match(
      body,
      new RegExp(
        `^{"jsonrpc":"2.0","id":"x","error":{"code":-32603,"message":"[^"]*server tested, port ${port}`,
      ),
    );
    await untilHealth(sidecar, 'degraded');
    const again = await startScriptedServer(port);
    stops.push(again.stop);
    await untilHealth(sidecar, 'healthy');
    assert.equal((await post(sidecar.url, call('echo'))).status, 200);
  });
});
