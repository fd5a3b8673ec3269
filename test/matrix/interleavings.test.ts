/** Two callers are asked at the same moment, on every dialect: `INTERLEAVINGS` times, in orders that `SEED` gives. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { as, stops, tokens } from '../sidecar/wire/proxied.ts';
import { seeded } from '../sidecar/wire/seeded.ts';
import { startSidecar, untilHealth } from '../sidecar/wire/start-sidecar.ts';
import { legacyClient, modernClient, type AskedClient } from './interleaved/asked-clients.ts';
import { modernServer, sessionsServer, sseServer } from './interleaved/asking-servers.ts';

const INTERLEAVINGS = Number(process.env['INTERLEAVINGS'] ?? 200);
const SEED = Number(process.env['SEED'] ?? 7);
/** Pairs of callers at once: fewer than a caller may have sessions with a server. */
const LANES = 8;
const LONGEST_MS = 4;

const SERVERS = [
  ['sessions', sessionsServer],
  ['HTTP+SSE', sseServer],
  ['2026-07-28 alone', modernServer],
] as const;
const CLIENTS = [
  ['2026-07-28', modernClient],
  ['2025-11-25', legacyClient],
] as const;

for (const [dialect, startServer] of SERVERS)
  for (const [version, connect] of CLIENTS)
    test(`clients of ${version} and a server of ${dialect}: no question and no answer is another’s, ${INTERLEAVINGS} times (SEED=${SEED})`, async () => {
      const auth = tokens()!;
      const server = await startServer();
      stops.push(server.stop);
      const sidecar = await startSidecar({
        upstreamPort: server.port,
        upstreamPath: server.path,
        upstream: { transport: server.transport },
        auth,
      });
      stops.push(sidecar.stop);
      await untilHealth(sidecar, 'healthy');
      const random = seeded(SEED);
      let left = INTERLEAVINGS;

      const connectPair = (program: string): Promise<Caller[]> =>
        Promise.all(
          ['alice', 'bob'].map(async (name) => ({
            name,
            client: await connect(sidecar.url, { name: program, headers: as(name) }),
          })),
        );
      const shared = await connectPair('program');

      async function lane(at: number): Promise<void> {
        // A server without streams of calls is asked one call at a time, in the session of each program.
        const pair = dialect === 'HTTP+SSE' ? await connectPair(`program ${at}`) : shared;
        while (left-- > 0) {
          const turn = left;
          const plans = pair.map((caller) => ({
            ...caller,
            waitsMs: random() * LONGEST_MS,
            thinksMs: random() * LONGEST_MS,
          }));
          await Promise.all(plans.map((plan) => asked(plan, `${plan.name} ${turn}`)));
        }
      }
      await Promise.all(Array.from({ length: LANES }, (_, at) => lane(at)));
    });

interface Caller {
  readonly name: string;
  readonly client: AskedClient;
}

async function asked(
  { client, waitsMs, thinksMs }: { client: AskedClient; waitsMs: number; thinksMs: number },
  whose: string,
): Promise<void> {
  await sleep(waitsMs);
  const seen = await client.call(`${whose}?`, `answer of ${whose}`, thinksMs);
  assert.deepEqual(seen, { asked: `${whose}?`, said: `${whose}?: answer of ${whose}` });
}
