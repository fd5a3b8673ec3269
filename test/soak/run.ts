import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startServer, startSidecar, TOKEN } from './processes.ts';
import { rudeSessions, rudeStreams } from './rude.ts';
import { createSampler } from './sample.ts';

const directory = mkdtempSync(join(tmpdir(), 'soak-'));
const server = await startServer();
const sidecar = await startSidecar(directory, server.port, {
  memoryMib: 128,
  limits: { streams: 6000, streamsPerPrincipal: 6000 },
});
const sampler = createSampler(sidecar.child, [server.port, sidecar.port]);
const caller = { port: sidecar.port, token: TOKEN };
const show = (s: object) =>
  console.log(JSON.stringify(s, (_k, v) => (typeof v === 'number' ? Math.round(v * 10) / 10 : v)));
try {
  sampler.phase = 'warm';
  console.time('warm');
  show(await rudeSessions(caller, Number(process.argv[2]), 64));
  console.timeEnd('warm');
  await sleep(5000);
  show(await sampler.settled());
  show(await rudeStreams(caller, Number(process.argv[3]), 64));
  await sleep(5000);
  show(await sampler.settled());
  console.time('x');
  show(await rudeSessions(caller, Number(process.argv[2]), 64));
  console.timeEnd('x');
  await sleep(5000);
  show(await sampler.settled());
  show(await server.stats());
  for (const name of [
    'kubectl_mcp_calls_in_flight',
    'kubectl_mcp_streams',
    'kubectl_mcp_active_clients',
    'kubectl_mcp_audit_dropped_total',
  ])
    console.log(name, await sidecar.metric(name));
  console.log(sidecar.errors.slice(0, 5), sidecar.errors.length);
  sampler.samples.forEach(show);
} finally {
  await sidecar.stop();
  await server.stop();
  rmSync(directory, { recursive: true });
}
