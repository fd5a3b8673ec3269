/** Clients that leave without a word, each at another point of the conversation. */
import { setTimeout as sleep } from 'node:timers/promises';
import { call, initialize, initialized, legacyListen, modernListen, openSession } from './messages.ts';
import { openWire, type Caller } from './wire.ts';

/** Where a client breaks off; the first three have no session yet that they know of. */
export const SESSION_STAGES = [
  'half a request',
  'initialize sent',
  'first byte of the answer',
  'initialized',
  'call sent',
  'call under way',
  'call answered',
] as const;
type SessionStage = (typeof SESSION_STAGES)[number];

export const STREAM_STAGES = ['sent', 'open', 'open for a while'] as const;
type StreamStage = (typeof STREAM_STAGES)[number];

/** Opens a session and drops it at `stage`; `byReset` or else by closing the socket in the middle. */
export async function rudeSession(caller: Caller, stage: SessionStage, byReset: boolean): Promise<void> {
  const wire = await openWire(caller);
  const leave = (): void => void (byReset ? wire.reset() : wire.socket.destroy());
  const first = initialize(caller);
  if (stage === 'half a request') {
    wire.socket.write(first.slice(0, first.length - 40));
    await turn();
    return leave();
  }
  if (stage === 'initialize sent') {
    wire.socket.write(first);
    await turn();
    return leave();
  }
  if (stage === 'first byte of the answer') {
    await wire.firstByte(first);
    return leave();
  }
  const { sessionId, status } = await wire.ask(first);
  if (!sessionId) throw new Error(`initialize was answered ${status} without a session`);
  if (stage === 'initialized') return leave();
  await wire.ask(initialized(caller, sessionId));
  if (stage === 'call answered') {
    const answer = await wire.ask(call(caller, sessionId, 'echo', '{"text":"hello"}'));
    if (!answer.body.includes('hello')) throw new Error(`the call was answered ${answer.body}`);
    return leave();
  }
  const slow = stage === 'call under way';
  wire.socket.write(call(caller, sessionId, 'wait', slow ? '{"wait_ms":5000}' : '{}'));
  await (slow ? sleep(20) : turn());
  leave();
}

/** Opens a stream of either era and drops it. `session` is one that others use too. */
export async function rudeStream(
  caller: Caller,
  { session, stage, index }: { session: string; stage: StreamStage; index: number },
): Promise<void> {
  const wire = await openWire(caller);
  const request = index % 2 ? modernListen(caller, index) : legacyListen(caller, session);
  if (stage === 'sent') {
    wire.socket.write(request);
    await turn();
  } else {
    const status = await wire.listen(request, () => undefined);
    if (status !== 200) {
      wire.reset();
      throw new Error(`the stream was answered ${status}`);
    }
    if (stage === 'open for a while') await sleep(200);
  }
  if (index % 4) wire.reset();
  else wire.socket.destroy();
}

/** Runs `count` jobs, `width` at most at once; returns the faults of the first that failed, and how many. */
export async function crowd(
  count: number,
  width: number,
  job: (index: number) => Promise<void>,
): Promise<{ failed: number; faults: string[] }> {
  let next = 0;
  const result = { failed: 0, faults: [] as string[] };
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      try {
        await job(index);
      } catch (error) {
        result.failed++;
        if (result.faults.length < 5) result.faults.push(`${index}: ${(error as Error).message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return result;
}

export async function rudeSessions(caller: Caller, count: number, width: number) {
  return crowd(count, width, (index) =>
    rudeSession(caller, SESSION_STAGES[scattered(index) % SESSION_STAGES.length]!, index % 4 > 0),
  );
}

export async function rudeStreams(caller: Caller, count: number, width: number) {
  const { wire, session } = await openSession(caller);
  const result = await crowd(count, width, (index) =>
    rudeStream(caller, {
      session,
      stage: STREAM_STAGES[scattered(index) % STREAM_STAGES.length]!,
      index,
    }),
  );
  wire.reset();
  return result;
}

/** The same every time, and in no step with anything else. */
const scattered = (index: number): number => (Math.imul(index + 1, 2654435761) >>> 0) >>> 8;

/** What was written has left. */
const turn = (): Promise<void> => sleep(1);
