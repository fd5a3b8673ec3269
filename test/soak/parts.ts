/** The two parts of a soak, each with a sidecar of its own. */
import { setTimeout as sleep } from 'node:timers/promises';
import { holdStreams } from './hold.ts';
import {
  atMost,
  compareRests,
  equal,
  judgeResident,
  noted,
  type Finding,
  type Gauges,
  type Rest,
} from './judge.ts';
import { call, openSession } from './messages.ts';
import type { MemoryCgroup } from './cgroup.ts';
import { takeAll } from './hostile.ts';
import { TOKEN, TOKENS, type SoakServer, type SoakSidecar } from './processes.ts';
import { rudeSessions, rudeStreams } from './rude.ts';
import { createSampler, type Sample, type Sampler } from './sample.ts';
import type { Caller } from './wire.ts';

export interface PartResult {
  readonly samples: readonly Sample[];
  readonly findings: readonly Finding[];
}

/** Clients at once: fewer than one caller may have calls and streams. */
const WIDTH = 64;
const STREAMS_WIDTH = 100;
/** Caches are full and code is compiled before anything is compared. */
const WARM_SESSIONS = 12_000;
const WARM_STREAMS = 1_000;
/** Upstream connections are kept for 3 s. */
const QUIET_MS = 6_000;
const RELEASE_MS = 12_000;
const HOLD_MS = 15_000;
const CALL_EVERY_MS = 50;
/** Of the table of sessions, once it is full. */
const SESSIONS_MB = 4;
/** Measured 21 to 25; more means that something new is kept for each. */
const KB_PER_STREAM = 28;

export async function rudePart(
  server: SoakServer,
  sidecar: SoakSidecar,
  { sessions, streams, warmUp = 1 }: { sessions: number; streams: number; warmUp?: number },
): Promise<PartResult> {
  const caller = { port: sidecar.port, token: TOKEN };
  const sampler = createSampler(sidecar.child, [sidecar.port, server.port]);
  sampler.phase = 'warm-up';
  await rudeSessions(caller, WARM_SESSIONS * warmUp, WIDTH);
  await rudeStreams(caller, WARM_STREAMS * warmUp, STREAMS_WIDTH);
  const before = await rest(sampler, server, sidecar);
  sampler.phase = 'sessions';
  const dropped = await rudeSessions(caller, sessions, WIDTH);
  const between = await rest(sampler, server, sidecar);
  sampler.phase = 'streams';
  const opened = await rudeStreams(caller, streams, STREAMS_WIDTH);
  const after = await rest(sampler, server, sidecar);
  return {
    samples: sampler.samples,
    findings: [
      noted(
        'sessions that the server opened',
        after.server.openedSessions - before.server.openedSessions,
        '',
      ),
      noted('streams that the server opened', after.server.openedStreams - between.server.openedStreams, ''),
      faultless('sessions: clients that met a fault', dropped),
      faultless('streams: clients that met a fault', opened),
      ...compareRests('after sessions', before, between),
      ...compareRests('after streams', between, after),
      ...judgeResident(before, after, sampler.samples, sessions),
      noted('longest hold of the event loop', longestHold(sampler.samples), 'ms'),
      atMost("lines of the sidecar's own log", sidecar.errors.length, 20, ''),
    ],
  };
}

/** Holds many idle streams twice; calls go on beside them. */
export async function heldPart(
  server: SoakServer,
  sidecar: SoakSidecar,
  streams: number,
): Promise<PartResult> {
  const caller = { port: sidecar.port, token: TOKEN };
  const sampler = createSampler(sidecar.child, [sidecar.port, server.port]);
  sampler.phase = 'warm-up';
  (await holdStreams(caller, 100, WIDTH)).drop();
  const before = await rest(sampler, server, sidecar);
  const findings: Finding[] = [];
  const peaks: number[] = [];
  for (const round of ['first', 'second'] as const) {
    sampler.phase = 'held';
    const held = await holdStreams(caller, streams, WIDTH);
    const latencies = await callBeside(caller);
    await server.broadcast();
    await sleep(2_000);
    const full = sampler.samples.at(-1)!;
    peaks.push(full.rssMb);
    findings.push(
      equal(`${round} hold: streams open`, held.open, streams),
      equal(`${round} hold: streams lost`, held.lost(), 0),
      equal(`${round} hold: streams that heard the event sent to all`, held.heard(), streams),
      noted(`${round} hold: calls beside, p99 of ${latencies.length}`, percentile(latencies, 0.99), 'ms'),
      noted(`${round} hold: resident`, full.rssMb, 'MB'),
    );
    if (round === 'first') {
      const kb = ((full.rssMb - before.sample.rssMb) * 1024) / streams;
      findings.push(atMost('an idle stream costs', kb, KB_PER_STREAM, 'KB'));
    }
    held.drop();
    const after = await rest(sampler, server, sidecar);
    findings.push(
      ...compareRests(`after the ${round} hold`, before, after),
      noted(`after the ${round} hold: resident`, after.sample.rssMb, 'MB'),
    );
  }
  // Native memory that was given back stays with the allocator, for the next streams.
  findings.push(atMost('second hold, resident over the first', peaks[1]! - peaks[0]!, peaks[0]! / 5, 'MB'));
  return { samples: sampler.samples, findings };
}

/** All that the default limits leave to hostile callers, all at once, in a container of the default size. */
export async function limitsPart(
  server: SoakServer,
  sidecar: SoakSidecar,
  cgroup: MemoryCgroup | undefined,
): Promise<PartResult> {
  const callers = TOKENS.map((token) => ({ port: sidecar.port, token }));
  const sampler = createSampler(sidecar.child, [sidecar.port, server.port]);
  sampler.phase = 'warm-up';
  const before = await rest(sampler, server, sidecar);
  sampler.phase = 'all at once';
  const taken = await takeAll(callers.slice(1));
  const sentMs = performance.now();
  const alive = await fetch(`http://127.0.0.1:${sidecar.adminPort}/livez`).then(({ status }) => status);
  const aliveMs = performance.now() - sentMs;
  const held = await gaugesOf(sidecar);
  const full = sampler.samples.at(-1)!;
  taken.release();
  const after = await rest(sampler, server, sidecar);
  const { wire, session } = await openSession(callers[0]!);
  const polite = await wire.ask(call(callers[0]!, session, 'echo', '{"text":"polite"}'));
  wire.reset();
  return {
    samples: sampler.samples,
    findings: [
      noted('at the limits: streams', held.streams, ''),
      noted('at the limits: calls', held.calls, ''),
      noted('at the limits: descriptors', full.descriptors, ''),
      equal('at the limits: /livez', alive, 200),
      noted('at the limits: /livez answered after', aliveMs, 'ms'),
      noted('at the limits: most resident', Math.max(...sampler.samples.map(({ rssMb }) => rssMb)), 'MB'),
      ...(cgroup
        ? [
            noted('at the limits: most charged to the cgroup of 128 MiB', cgroup.peakMb(), 'MB'),
            equal('at the limits: kills by the kernel', cgroup.oomKills(), 0),
          ]
        : []),
      equal('after the limits: a call of another caller', polite.status, 200),
      ...compareRests('after the limits', before, after, SESSIONS_MB),
    ],
  };
}

/** Waits until nothing is left to come, then collects; V8 gives empty pages back some seconds later. */
export async function rest(sampler: Sampler, server: SoakServer, sidecar: SoakSidecar): Promise<Rest> {
  sampler.phase = 'quiet';
  await sleep(QUIET_MS);
  const { heapMb, externalMb } = await sampler.collected();
  await sleep(RELEASE_MS);
  const settled = sampler.samples.at(-1)!;
  // The sidecar asks its server every ten seconds, on a connection that is there for a moment.
  const descriptors = Math.min(...sampler.samples.slice(-6).map((sample) => sample.descriptors));
  return {
    sample: { ...settled, heapMb, externalMb, descriptors },
    gauges: await gaugesOf(sidecar),
    server: await server.stats(),
  };
}

async function gaugesOf({ metric }: SoakSidecar): Promise<Gauges> {
  return {
    calls: await metric('kubectl_mcp_calls_in_flight'),
    streams: await metric('kubectl_mcp_streams'),
    clients: await metric('kubectl_mcp_active_clients'),
    auditDropped: await metric('kubectl_mcp_audit_dropped_total'),
  };
}

/** One call after another on one connection; milliseconds of each. */
async function callBeside(caller: Caller): Promise<number[]> {
  const { wire, session } = await openSession(caller);
  const latencies: number[] = [];
  const until = performance.now() + HOLD_MS;
  while (performance.now() < until) {
    const sent = performance.now();
    const { body } = await wire.ask(call(caller, session, 'echo', '{"text":"beside"}'));
    if (!body.includes('beside')) throw new Error(`a call beside the streams was answered ${body}`);
    latencies.push(performance.now() - sent);
    await sleep(CALL_EVERY_MS);
  }
  wire.reset();
  return latencies;
}

export function faultless(title: string, { failed, faults }: { failed: number; faults: string[] }): Finding {
  const finding = equal(title, failed, 0);
  return failed > 0 ? { ...finding, measured: `${failed} (${faults[0]})` } : finding;
}

const longestHold = (samples: readonly Sample[]): number =>
  Math.max(...samples.map(({ loopDelayMs }) => loopDelayMs));

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
}
