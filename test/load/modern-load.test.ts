import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { freePorts } from '../conformance/ports.ts';
import { createReferenceServer } from '../conformance/reference/server.ts';
import { isClean, runLoad } from './modern-load.ts';
import { CONNECTION_MODES } from './send-call.ts';

const load = { sleepMs: 20, timeoutMs: 10_000, perSecond: 50, seconds: 0.2 };

for (const mode of CONNECTION_MODES) {
  test(`the load of mode ${mode} counts the answers of a server that is well`, async (t) => {
    const server = createReferenceServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const summary = await runLoad({ ...load, url: `http://127.0.0.1:${port}/mcp`, mode });
    assert.deepEqual([summary.calls, summary.ok, summary.faults], [10, 10, []]);
    assert.ok(isClean(summary));
  });

  test(`the load of mode ${mode} tells a refused connection from a cut one`, async (t) => {
    const [closed] = (await freePorts(1)) as [number];
    const refused = await runLoad({ ...load, url: `http://127.0.0.1:${closed}/mcp`, mode });
    assert.deepEqual([refused.refused, refused.cut], [10, 0]);

    const cutter = createServer((socket) => socket.once('data', () => socket.destroy())).listen(
      0,
      '127.0.0.1',
    );
    await once(cutter, 'listening');
    t.after(() => cutter.close());
    const cut = await runLoad({
      ...load,
      url: `http://127.0.0.1:${(cutter.address() as AddressInfo).port}/mcp`,
      mode,
    });
    assert.deepEqual([cut.refused, cut.cut], [0, 10]);
    assert.ok(!isClean(cut));
  });
}
