/** Translated calls and sessions, opened and dropped in every rude way, each kind in front of a server of one era. */
import { setTimeout as sleep } from 'node:timers/promises';
import { RESUME_MS } from '../../sidecar/upstream/modern/resumable-stream.ts';
import { atMost, compareRests, equal, noted } from './judge.ts';
import { faultless, rest, type PartResult } from './parts.ts';
import { TOKENS, type SoakServer, type SoakSidecar } from './processes.ts';
import { crowd } from './rude.ts';
import { CUT_STAGES, cutClient, PARKED_STAGES, parkedClient } from './rude-translated.ts';
import { createSampler } from './sample.ts';
import type { AskingSoakServer } from './translated-servers.ts';

const WIDTH = 32;
const WARM_PARKED = 4_000;
/** As many sessions as are kept, and some: from here on each new one pushes out an old one. */
const WARM_CUT = 2_500;
/** Beside the others, and fewer than may be parked. */
const NEVER_ANSWERED = 60;
/** Answers that are kept for a minute, for clients that ask again. */
const ANSWERS_MB = 2;
const MAX_SESSIONS_WITH_SERVER = 16 * TOKENS.length;

/** Clients of 2026-07-28, a server of sessions that asks back. */
export async function parkedPart(
  server: AskingSoakServer,
  sidecar: SoakSidecar,
  calls: number,
  warmUp = 1,
): Promise<PartResult> {
  const sampler = createSampler(sidecar.child, [sidecar.port, server.port]);
  const held = (name: string): Promise<number> => sidecar.metric(`kubectl_mcp_${name}\\{server="soak"\\}`);
  const clients = (count: number) =>
    crowd(count, WIDTH, (index) =>
      parkedClient(callerOf(sidecar, index), index, PARKED_STAGES[index % PARKED_STAGES.length]!),
    );
  const never = (from: number) =>
    crowd(NEVER_ANSWERED, WIDTH, (index) =>
      parkedClient(callerOf(sidecar, index), from + index, 'never answers'),
    );
  sampler.phase = 'warm-up';
  await clients(WARM_PARKED * warmUp);
  await never(0);
  server.giveUp();
  const before = await rest(sampler, server, sidecar);
  sampler.phase = 'parked';
  const met = await clients(calls);
  await never(calls);
  const parked = await held('parked_calls');
  server.giveUp();
  const after = await rest(sampler, server, sidecar);
  return {
    samples: sampler.samples,
    findings: [
      noted('parked: calls', calls, ''),
      faultless('parked: clients that met a fault', met),
      atMost('parked: questions that nobody answered', parked, 256, ''),
      atMost(
        'parked: sessions with the server',
        await held('upstream_sessions'),
        MAX_SESSIONS_WITH_SERVER,
        '',
      ),
      equal('parked: calls left at the server', after.server.calls, 0),
      atMost('parked: sessions that the server has', after.server.sessions, MAX_SESSIONS_WITH_SERVER + 1, ''),
      ...compareRests('after parked calls', before, after, ANSWERS_MB),
      noted('after parked calls: resident', after.sample.rssMb, 'MB'),
      atMost('parked: resident, grown by', after.sample.rssMb - before.sample.rssMb, 12, 'MB'),
    ],
  };
}

/** Clients of sessions, a server of 2026-07-28 alone: streams that are cut, and asked for again. */
export async function cutPart(
  server: SoakServer,
  sidecar: SoakSidecar,
  sessions: number,
  warmUp = 1,
): Promise<PartResult> {
  const sampler = createSampler(sidecar.child, [sidecar.port, server.port]);
  const clients = (count: number) =>
    crowd(count, WIDTH, (index) =>
      cutClient(callerOf(sidecar, index), CUT_STAGES[index % CUT_STAGES.length]!),
    );
  sampler.phase = 'warm-up';
  await clients(WARM_CUT * warmUp);
  await sleep(RESUME_MS);
  const before = await rest(sampler, server, sidecar);
  sampler.phase = 'cut';
  const met = await clients(sessions);
  const most = Math.max(...sampler.samples.filter(({ phase }) => phase === 'cut').map(({ rssMb }) => rssMb));
  sampler.phase = 'forgotten';
  await sleep(RESUME_MS);
  const after = await rest(sampler, server, sidecar);
  return {
    samples: sampler.samples,
    findings: [
      noted('cut: sessions', sessions, ''),
      faultless('cut: clients that met a fault', met),
      noted('cut: most resident', most, 'MB'),
      equal('cut: calls left at the server', after.server.calls, 0),
      ...compareRests('after cut streams', before, after),
      atMost('cut: resident, grown by', after.sample.rssMb - before.sample.rssMb, 12, 'MB'),
    ],
  };
}

const callerOf = ({ port }: SoakSidecar, index: number) => ({
  port,
  token: TOKENS[index % TOKENS.length]!,
});
