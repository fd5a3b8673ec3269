import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCoverage, type Coverage } from './coverage.ts';
import { minimise } from './minimise.ts';
import { mutate } from './mutate.ts';
import { randomOf, type Random } from './random.ts';
import { Finding, type Target } from './target.ts';

export interface FuzzResult {
  readonly executions: number;
  readonly seconds: number;
  /** Inputs that reached something new, beyond those that were there at the start. */
  readonly kept: readonly Buffer[];
  readonly lines: { readonly covered: number; readonly total: number };
  readonly finding?: { readonly input: Buffer; readonly error: Error };
}

export interface FuzzOptions {
  readonly seed: number;
  readonly timeoutMs: number;
  readonly corpus: readonly Buffer[];
  /** Told before every run, for whoever watches over inputs that do not come to an end. */
  starts(input: Buffer): void;
}

const ROOT = join(import.meta.dirname, '../../..');
const MINIMISE_MS = 10_000;
/** Counters make code slower, so they are read for the first part of a run alone. */
const GUIDED_SHARE = 0.3;
const GUIDED_MAX_MS = 60_000;
/** Inputs per reading of the counters. */
const BATCH = 100;

/** Runs a target on what is kept, on what it generates, and on mutations of both, until the time is over or it fails. */
export async function fuzz(
  target: Target,
  { seed, timeoutMs, corpus, starts }: FuzzOptions,
): Promise<FuzzResult> {
  const random = randomOf(seed);
  const dictionary = target.dictionary.map((each) => Buffer.from(each, 'latin1'));
  const pool: Buffer[] = [...corpus];
  const startedAtMs = Date.now();
  const deadlineMs = startedAtMs + timeoutMs;
  const guidedUntilMs = startedAtMs + Math.min(GUIDED_MAX_MS, timeoutMs * GUIDED_SHARE);
  const coverage = startCoverage(target.covers, (path) => readFileSync(join(ROOT, path), 'utf8'));
  let guide: Coverage | undefined = coverage;
  let lines = { covered: 0, total: 0 };
  let batch: Buffer[] = [];
  let executions = 0;
  let finding: FuzzResult['finding'];

  const next = (): Buffer => {
    if (pool.length === 0 || random.chance(0.4)) return target.generate(random).subarray(0, target.maxBytes);
    return mutate(random, pick(random, pool), { dictionary, others: pool, maxBytes: target.maxBytes });
  };
  const attempt = (input: Buffer): Promise<Error | undefined> => {
    executions++;
    starts(input);
    return failure(target, input);
  };
  const execute = async (input: Buffer): Promise<boolean> => {
    const error = await attempt(input);
    if (!error) return true;
    const kind = kindOf(error);
    const smallest = await minimise(
      input,
      async (candidate) => {
        const other = await attempt(candidate);
        return other !== undefined && kindOf(other) === kind;
      },
      MINIMISE_MS,
    );
    finding = { input: smallest, error: (await attempt(smallest)) ?? error };
    return false;
  };

  const stop = await target.start?.();
  try {
    for (const input of corpus) if (!(await execute(input))) break;
    coverage.take();
    while (Date.now() < deadlineMs) {
      if (finding) break;
      const input = next();
      if (!(await execute(input))) break;
      if (!guide) continue;
      batch.push(input);
      if (batch.length < BATCH && Date.now() < guidedUntilMs) continue;
      const news = guide.take();
      for (const each of news ? batch : []) {
        await attempt(each);
        if (guide.reached(news!)) pool.push(each);
      }
      batch = [];
      if (Date.now() >= guidedUntilMs) {
        lines = guide.lines();
        guide.stop();
        guide = undefined;
      }
    }
  } finally {
    if (guide) {
      guide.take();
      lines = guide.lines();
      guide.stop();
    }
    await stop?.();
  }
  return {
    executions,
    seconds: Math.round((Date.now() - startedAtMs) / 1000),
    kept: pool.slice(corpus.length),
    lines,
    ...(finding ? { finding } : {}),
  };
}

/** What goes wrong with an input, if anything does. */
export async function failure(target: Target, input: Buffer): Promise<Error | undefined> {
  try {
    // Buffers that are cut and kept must not be changed by what reads them.
    const done = target.run(Buffer.from(input));
    if (done) await done;
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

const kindOf = (error: Error): string =>
  error instanceof Finding ? error.kind : `${error.name}: ${error.message}`;
/** The newest a little more often. */
const pick = (random: Random, pool: readonly Buffer[]): Buffer =>
  random.chance(0.2) ? pool[pool.length - 1 - random.int(Math.min(pool.length, 20))]! : random.pick(pool);
