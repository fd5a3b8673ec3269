/**
 * Bytecode of the sidecar, so that a pod's proxy does not compile at its start what every other has compiled: recorded
 * from a sidecar that carried a call, and the same for the same bundle and Node
 * (docs/decisions/0033-reproducible-image.md).
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NODE_FLAGS } from '../webhook/container.ts';
import { cacheName, COMPILE_CACHE, WRAPPER } from './first-file.ts';
import { recordedRun } from './recorded-run.ts';

const RECORDER = join(import.meta.dirname, 'record-code.cjs');
/** Strings are kept with their hashes; how hot a function became, and what was dropped since, depends on timing. */
const STEADY_FLAGS = [...NODE_FLAGS, '--hash-seed=1', '--no-sparkplug', '--no-opt', '--no-flush-bytecode'];
/** In the head of V8's format (SerializedCodeData): magic number, version, source, flags. */
const FLAGS_AT = 12;
const MAX_RECORDINGS = 6;

type Runner = { program: string; runNode: readonly string[]; work: string };

/** For the bundle in `directory`; `runNode` runs Node of the platform that it is for. */
export async function writeCompileCache(
  directory: string,
  nodeArch: string = process.arch,
  runNode: readonly string[] = [process.execPath],
): Promise<void> {
  const program = join(directory, 'proxy.cjs');
  const work = mkdtempSync(join(tmpdir(), 'compile-cache-'));
  try {
    const runner = { program, runNode, work };
    const cache = asWithFlags(await agreed(runner), runner);
    const out = join(directory, COMPILE_CACHE);
    mkdirSync(out, { recursive: true });
    for (const old of globSync(`${nodeArch}-*`, { cwd: out })) rmSync(join(out, old));
    const file = join(out, cacheName(readFileSync(program), nodeArch));
    writeFileSync(file, cache);
    // Throws when V8's format is no longer what this file knows of it.
    runRecorder(runner, NODE_FLAGS, [join(work, 'taken'), file]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** On a busy machine a timer may run out that does not otherwise: what two recordings agree on is taken. */
async function agreed(runner: Runner): Promise<Buffer> {
  const seen: Buffer[] = [];
  while (seen.length < MAX_RECORDINGS) {
    const cache = await recorded(runner);
    if (seen.some((each) => each.equals(cache))) return cache;
    seen.push(cache);
  }
  throw new Error(`${MAX_RECORDINGS} recordings of the sidecar's start differ: this machine is too busy`);
}

async function recorded(runner: Runner): Promise<Buffer> {
  const { program, runNode, work } = runner;
  const [out, settled] = [join(work, 'recorded'), join(work, 'settled')];
  const [file = '', ...args] = runNode;
  await recordedRun((env) => {
    const child = spawn(file, [...args, ...STEADY_FLAGS, RECORDER, program, out], {
      env: { ...env, WRAPPER },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const record = (): void => void child.kill('SIGUSR2');
    return { stdout: child.stdout, stderr: child.stderr, ended: once(child, 'exit'), record };
  });
  runRecorder(runner, STEADY_FLAGS, [settled, out]);
  return readFileSync(settled);
}

function runRecorder({ program, runNode }: Runner, flags: readonly string[], files: readonly string[]): void {
  const [file = '', ...args] = runNode;
  execFileSync(file, [...args, ...flags, RECORDER, program, ...files], { env: { ...process.env, WRAPPER } });
}

/** The same bytecode, marked as made with the flags that the sidecar runs with: the others do not change it. */
function asWithFlags(settled: Buffer, { runNode: [file = '', ...args], work }: Runner): Buffer {
  const empty = join(work, 'empty');
  const script = `require('fs').writeFileSync(process.argv[1], new (require('vm').Script)('').createCachedData())`;
  execFileSync(file, [...args, ...NODE_FLAGS, '-e', script, empty]);
  const cache = Buffer.from(settled);
  readFileSync(empty).copy(cache, FLAGS_AT, FLAGS_AT, FLAGS_AT + 4);
  return cache;
}

if (import.meta.main) await writeCompileCache(join(import.meta.dirname, '../dist'));
