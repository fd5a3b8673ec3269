/** Fuzzes one target in a thread of its own, so that an input that never comes to an end can be told from outside. */
import { parentPort, workerData } from 'node:worker_threads';
import { TARGETS } from '../targets/targets.ts';
import { corpusOf } from './corpus.ts';
import { fuzz, type FuzzResult } from './fuzz.ts';

export interface Job {
  readonly target: string;
  readonly seed: number;
  readonly timeoutMs: number;
  readonly withCorpus: boolean;
  /** Two numbers, the count of runs and the input's length; then the input. */
  readonly current: SharedArrayBuffer;
}

export type Outcome = Omit<FuzzResult, 'finding' | 'kept'> & {
  readonly kept: readonly Uint8Array[];
  readonly finding?: { readonly input: Uint8Array; readonly message: string };
};

const job = workerData as Job;
const target = TARGETS.find(({ name }) => name === job.target)!;
const numbers = new Int32Array(job.current, 0, 2);
const bytes = new Uint8Array(job.current, 8);
const { finding, ...result } = await fuzz(target, {
  seed: job.seed,
  timeoutMs: job.timeoutMs,
  corpus: job.withCorpus ? corpusOf(target.name) : [],
  starts(input) {
    bytes.set(input);
    numbers[1] = input.length;
    Atomics.add(numbers, 0, 1);
  },
});
const message =
  finding && (finding.error.name === 'Finding' ? finding.error.message : (finding.error.stack ?? ''));
const outcome: Outcome = {
  ...result,
  ...(finding ? { finding: { input: finding.input, message: message ?? '' } } : {}),
};
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port has no origin
parentPort!.postMessage(outcome);
