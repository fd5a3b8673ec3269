/**
 * `node test/fuzz/run.ts --target all --seconds 60 --seed 7`: fuzzes all targets in turn, or those named. Exits with 1 and the
 * smallest failing input when an invariant does not hold; `--replay FILE` runs one input again.
 */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { keep } from './engine/corpus.ts';
import { failure } from './engine/fuzz.ts';
import type { Target } from './engine/target.ts';
import { fuzzWatched } from './engine/watched.ts';
import { TARGETS } from './targets/targets.ts';

const { values: options } = parseArgs({
  options: {
    target: { type: 'string', default: 'all' },
    /** Of all targets together. */
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    replay: { type: 'string' },
    /** Start from nothing: no kept inputs. */
    'no-corpus': { type: 'boolean', default: false },
    /** Keep the inputs that reached something new. */
    grow: { type: 'boolean', default: false },
  },
});

const GROWN_MAX_BYTES = 600;
const wanted = options.target.split(',');
const targets = TARGETS.filter(({ name }) => wanted.includes('all') || wanted.includes(name));
if (targets.length === 0)
  throw new Error(
    `--target ${options.target}: there are ${TARGETS.map(({ name }) => name).join(', ')} and all`,
  );
if (options.replay === undefined) await run();
else if (targets.length === 1) await replay(targets[0]!, options.replay);
else throw new Error('--replay needs a --target');

async function run(): Promise<void> {
  const seed = Number(options.seed);
  const shares = targets.reduce((sum, { share = 1 }) => sum + share, 0);
  console.log(`seed ${seed}\n`);
  console.log('| fuzzed | executions | duration | seed | new inputs | lines reached | findings |');
  console.log('| --- | ---: | ---: | ---: | ---: | ---: | --- |');
  for (const target of targets) {
    const timeoutMs = (Number(options.seconds) * 1000 * (target.share ?? 1)) / shares;
    const outcome = await fuzzWatched(target, { seed, timeoutMs, withCorpus: !options['no-corpus'] });
    const { executions, seconds, kept, lines, finding } = outcome;
    console.log(
      `| ${target.name} | ${executions.toLocaleString('en')} | ${seconds} s | ${seed} | ${kept.length} ` +
        `| ${lines.covered} of ${lines.total} | ${finding ? 'FOUND' : 'none'} |`,
    );
    if (options.grow)
      for (const input of kept)
        if (input.length <= GROWN_MAX_BYTES) keep(target.name, Buffer.from(input), 'seed');
    if (finding) report(target, Buffer.from(finding.input), finding.message);
  }
}

async function replay(target: Target, path: string): Promise<void> {
  const input = readFileSync(path);
  const stop = await target.start?.();
  const error = await failure(target, input);
  await stop?.();
  if (error) report(target, input, error.message);
  else console.log(`${target.name}: ${path} holds`);
}

function report(target: Target, input: Buffer, message: string): void {
  const path = keep(target.name, input, 'found');
  process.exitCode = 1;
  console.error(`\n${target.name}: ${message}`);
  console.error(
    `input (${input.length} bytes): ${target.describe?.(input) ?? JSON.stringify(input.toString('latin1'))}`,
  );
  console.error(`again: node test/fuzz/run.ts --target ${target.name} --replay ${path}\n`);
}
