import { setTimeout as sleep } from 'node:timers/promises';
import {
  startSidecar,
  untilHealth,
  type SidecarOptions,
  type TestSidecar,
} from '../sidecar/wire/start-sidecar.ts';
import type { Input } from './input.ts';
import type { Act, Recorder } from './recorders.ts';
import { send } from './send.ts';
import type { Passage } from './verdict.ts';

/** What the sidecar asks of its server for itself, at any time: no input asks for these. */
const OWN_METHODS = new Set([
  'initialize',
  'notifications/initialized',
  'server/discover',
  'ping',
  'tools/list',
]);

interface RunOptions extends Pick<SidecarOptions, 'readMessage'> {
  /** How long to wait for audit lines, which without strict reading may not come. */
  readonly patienceMs?: number;
}

/** Sends every input through a sidecar of its own to each recorder; the passages are in the order of the inputs. */
export async function runCorpus(
  inputs: readonly Input[],
  recorders: readonly Recorder[],
  { patienceMs = 10_000, ...options }: RunOptions = {},
): Promise<Passage[][]> {
  const columns = await Promise.all(
    recorders.map(async (recorder) => {
      const sidecar = await startSidecar({ upstreamPort: recorder.port, ...options });
      try {
        await untilHealth(sidecar, 'healthy');
        await recorder.recorded();
        const passages: Passage[] = [];
        for (const input of inputs) passages.push(await pass(input, recorder, sidecar, patienceMs));
        return passages;
      } finally {
        await sidecar.stop();
      }
    }),
  );
  return inputs.map((_, index) => columns.map((column) => column[index]!));
}

async function pass(
  input: Input,
  recorder: Recorder,
  sidecar: TestSidecar,
  patienceMs: number,
): Promise<Passage> {
  const from = sidecar.audit.length;
  const statuses = await send(sidecar.listenPort, input);
  const all = await recorder.recorded();
  const audit = (): TestSidecar['audit'] => sidecar.audit.slice(from);
  const asked = (act: Act): boolean =>
    !OWN_METHODS.has(act.method) || audit().some(({ target }) => target.method === act.method);
  // A line is written when its exchange is over, which may be after its answer has arrived.
  const enough = (): boolean => audit().length >= all.filter(asked).length;
  for (const until = Date.now() + patienceMs; !enough() && Date.now() < until;) await sleep(5);
  await sidecar.settled();
  const { name, modern } = recorder;
  return { recorder: name, modern, statuses, audit: audit(), acts: all.filter(asked) };
}
