/** The servers behind the sidecar: each SDK's own, built once for the machine and started for the test. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { Agent, get as httpGet } from 'node:http';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const SOURCES = join(import.meta.dirname, 'recorders');
const CACHE = join(
  process.env['KUBECTL_MCP_CLUSTER_DIR'] ?? join(homedir(), '.cache', 'kubectl-mcp'),
  'corpus',
);

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
  const directory = join(SOURCES, 'go');
  const sum = moduleFile.replace(/mod$/, 'sum');
  const binary = made(
    'go',
    ['main.go', moduleFile, sum].map((file) => join(directory, file)),
    (target) => run('go', ['build', `-modfile=${moduleFile}`, '-o', target, '.'], directory),
  );
  return [binary];
}

function preparePython(): readonly string[] {
  const requirements = join(SOURCES, 'python', 'requirements.txt');
  const environment = made('python', [requirements], (target) => {
    installVenv();
    run('python3', ['-m', 'venv', target]);
    run(join(target, 'bin', 'python'), ['-m', 'pip', 'install', '-q', '--no-deps', '-r', requirements]);
  });
  return [join(environment, 'bin', 'python'), join(SOURCES, 'python', 'recorder.py')];
}

/** Debian has it in a package of its own. */
function installVenv(): void {
  if (spawnSync('python3', ['-c', 'import venv, ensurepip'], { stdio: 'ignore' }).status === 0) return;
  run('apt-get', [
    '-o',
    'DPkg::Lock::Timeout=300',
    '-q',
    '-y',
    '--no-install-recommends',
    'install',
    'python3-venv',
  ]);
}

/** Made anew when a source has changed; what was made halfway is not taken for whole. */
function made(kind: string, sources: readonly string[], make: (target: string) => void): string {
  const hash = createHash('sha256');
  for (const source of sources) hash.update(readFileSync(source)).update('\0');
  const target = join(CACHE, `${kind}-${hash.digest('hex').slice(0, 16)}`);
  const complete = `${target}.complete`;
  if (existsSync(complete)) return target;
  mkdirSync(CACHE, { recursive: true });
  rmSync(target, { recursive: true, force: true });
  make(target);
  mkdirSync(`${complete}.new`, { recursive: true });
  renameSync(`${complete}.new`, complete);
  return target;
}

function run(program: string, args: readonly string[], cwd = SOURCES): void {
  const { status, error } = spawnSync(program, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed`, { cause: error });
}
