import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startAskingServer } from './asking-server.ts';
import { postModern } from './modern-meta.ts';
import { stops } from './proxied.ts';
import { startSidecar, untilHealth } from './start-sidecar.ts';

test('a caller has 16 sessions with the server at most, also when many programs of his begin at once', async () => {
  const server = await startAskingServer();
  stops.push(server.stop);
  const sidecar = await startSidecar({ upstreamPort: server.port });
  stops.push(sidecar.stop);
  await untilHealth(sidecar, 'healthy');
  const own = server.sessions.size;
  const status = async (name: string): Promise<number> => {
    const meta = { 'io.modelcontextprotocol/clientInfo': { name, version: '1' } };
    return (await postModern(sidecar.url, 'tools/list', {}, { meta })).status;
  };
  const answered = await Promise.all(Array.from({ length: 40 }, (_, index) => status(`program-${index}`)));
  assert.ok(answered.filter((each) => each === 200).length >= 16);
  assert.ok(answered.every((each) => each === 200 || each === 503));
  assert.ok(server.sessions.size - own <= 16, `${server.sessions.size - own} sessions`);
  // They take each other's places.
  assert.equal(await status('one more'), 200);
});
