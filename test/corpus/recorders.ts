/** The servers behind the sidecar: each SDK's own, built once for the machine and started for the test. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get as httpGet } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { goProgram, pythonWith } from '../programs/built-once.ts';

const SOURCES = join(import.meta.dirname, 'recorders');

export interface RecorderKind {
  readonly name: string;
  /** Speaks 2026-07-28, beside the era of sessions that all speak. */
  readonly modern: boolean;
  /** Makes what is not made, and returns what starts it. */
  readonly prepare: () => readonly string[];
}

/**
 * Go 1.2.0 takes keys in any case (CVE-2026-27896, fixed in 1.3.1), 1.3.1 takes them with NUL behind
 * (GHSA-q382-vc8q-7jhj, fixed in 1.4.1).
 */
export const RECORDERS: readonly RecorderKind[] = [
  {
    name: 'TypeScript SDK 1',
    modern: false,
    prepare: () => [process.execPath, join(SOURCES, 'typescript-v1.ts')],
  },
  {
    name: 'TypeScript SDK 2',
    modern: true,
    prepare: () => [process.execPath, join(SOURCES, 'typescript-v2.ts')],
  },
  { name: 'Python SDK 2.3.0', modern: true, prepare: preparePython },
  { name: 'Go SDK 1.2.0', modern: false, prepare: () => prepareGo('v1.2.0.mod') },
  { name: 'Go SDK 1.3.1', modern: false, prepare: () => prepareGo('v1.3.1.mod') },
  { name: 'Go SDK 1.8.0', modern: true, prepare: () => prepareGo('go.mod') },
];

/** What a server made of one request. */
export interface Act {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>> | null;
}

export interface Recorder {
  readonly name: string;
  readonly modern: boolean;
  readonly port: number;
  /** What it acted on since it was asked last. */
  recorded(): Promise<Act[]>;
  stop(): Promise<void>;
}

export async function startRecorder({ name, modern, prepare }: RecorderKind): Promise<Recorder> {
  const [program = '', ...args] = prepare();
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  const port = await portOf(child, name);
  return {
    name,
    modern,
    port,
    recorded: async () => acts(await get(port, '/recorded')),
    stop: async () => {
      const exited = once(child, 'exit');
      kill();
      await exited;
    },
  };
}

const agent = new Agent({ keepAlive: true });

function get(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    httpGet({ host: '127.0.0.1', port, path, agent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text)).on('error', reject);
    }).on('error', reject);
  });
}

/** Python writes what no JSON has. */
const acts = (text: string): Act[] => JSON.parse(text.replaceAll(/Infinity(?=[,}\]])/g, '1e999'));

async function portOf(child: ChildProcess, name: string): Promise<number> {
  for await (const line of createInterface({ input: child.stdout! })) return JSON.parse(line).port;
  throw new Error(`the recorder ${name} ended before it listened`);
}

function prepareGo(moduleFile: string): readonly string[] {
  return [goProgram(join(SOURCES, 'go'), { moduleFile })];
}

function preparePython(): readonly string[] {
  return [pythonWith(join(SOURCES, 'python', 'requirements.txt')), join(SOURCES, 'python', 'recorder.py')];
}
