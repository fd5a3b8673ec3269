import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePorts } from '../../conformance/ports.ts';
import { createReferenceServer, type Eras } from '../../conformance/reference/server.ts';
import { goProgram, npmPackages, pythonWith } from '../../programs/built-once.ts';
import { EVERYTHING_ENTRY, startEverythingServer } from '../../sidecar/wire/everything-server.ts';
import type { Step } from '../steps.ts';
import { EVERYTHING_STEPS } from './everything-steps.ts';
import { KUBERNETES_STEPS } from './kubernetes-steps.ts';
import { OWN_STEPS, STATELESS_STEPS } from './own-steps.ts';
import { REFERENCE_STEPS } from './reference-steps.ts';
import { stdio } from './stdio.ts';

export interface MatrixServer {
  readonly name: string;
  readonly eras: readonly ('legacy' | 'modern')[];
  readonly transport: 'streamable-http' | 'sse' | 'stdio';
  readonly path: string;
  /** Which the filter takes away. */
  readonly denied: string;
  readonly steps: readonly Step[];
  /** A program that is built first. */
  readonly foreign?: true;
  /** One of stdio has the sidecar in front of it then. */
  readonly start: () => Promise<{ readonly port: number; readonly stop: () => Promise<void> }>;
  /** Of a server of stdio: the same one, to which clients can be connected directly. */
  readonly overHttp?: MatrixServer;
}

const HTTP = { transport: 'streamable-http', path: '/mcp' } as const;
const REFERENCE = join(import.meta.dirname, '..', '..', 'conformance', 'reference', 'stdio-server.ts');
const SSE = { transport: 'sse', path: '/sse' } as const;

const OVER_HTTP: readonly MatrixServer[] = [
  reference('TypeScript SDK 2, both eras', 'both', ['legacy', 'modern']),
  reference('TypeScript SDK 2, sessions alone', 'legacy', ['legacy']),
  reference('TypeScript SDK 2, 2026-07-28 alone', 'modern', ['modern']),
  { name: 'server-everything', ...everything('streamableHttp'), ...HTTP },
  { name: 'server-everything, HTTP+SSE', ...everything('sse'), ...SSE },
  { name: 'mcp-server-kubernetes 4.1.7', ...kubernetes(), ...HTTP },
  { name: 'Python SDK 2.3.0', ...own(['legacy', 'modern'], () => python()), ...HTTP },
  { name: 'Python SDK 2.3.0, HTTP+SSE', ...own(['legacy'], () => python('sse')), ...SSE },
  // It answers server/discover, and offers no revision there but those of sessions.
  { name: 'Go SDK 1.8.0', ...own(['legacy'], () => go({})), ...HTTP },
  {
    name: 'Go SDK 1.8.0, stateless',
    ...own(['legacy', 'modern'], () => [...go({}), 'stateless']),
    ...HTTP,
    steps: STATELESS_STEPS,
  },
  {
    name: 'Go SDK 1.3.1',
    ...own(['legacy'], () => go({ moduleFile: 'v1.3.1.mod', tags: 'sessions' })),
    ...HTTP,
  },
];

const overHttp = (name: string): MatrixServer => OVER_HTTP.find((each) => each.name === name)!;

export const SERVERS: readonly MatrixServer[] = [
  ...OVER_HTTP,
  stdio('TypeScript SDK 2, stdio, both eras', overHttp('TypeScript SDK 2, both eras'), () => [
    process.execPath,
    REFERENCE,
    'both',
  ]),
  stdio('TypeScript SDK 2, stdio, 2026-07-28 alone', overHttp('TypeScript SDK 2, 2026-07-28 alone'), () => [
    process.execPath,
    REFERENCE,
    'modern',
  ]),
  stdio('server-everything, stdio', overHttp('server-everything'), () => [
    process.execPath,
    EVERYTHING_ENTRY,
    'stdio',
  ]),
  stdio('Python SDK 2.3.0, stdio', overHttp('Python SDK 2.3.0'), () => python('stdio')),
];

function reference(name: string, eras: Eras, known: MatrixServer['eras']): MatrixServer {
  return {
    name,
    eras: known,
    ...HTTP,
    denied: 'test_image_content',
    steps: REFERENCE_STEPS,
    async start() {
      const server = createReferenceServer({ eras });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return {
        port: (server.address() as AddressInfo).port,
        async stop() {
          server.closeAllConnections();
          server.close();
          await once(server, 'close');
        },
      };
    },
  };
}

function everything(transport: 'streamableHttp' | 'sse') {
  return {
    eras: ['legacy'] as const,
    denied: 'get-tiny-image',
    steps: EVERYTHING_STEPS,
    async start() {
      const [port] = (await freePorts(1)) as [number];
      const server = await startEverythingServer(port, transport);
      return { port, stop: () => server.kill() };
    },
  };
}

/** Keeps no sessions, and answers to the names of the loopback alone. */
function kubernetes() {
  return {
    eras: ['legacy'] as const,
    denied: 'cleanup',
    steps: KUBERNETES_STEPS,
    foreign: true as const,
    async start() {
      const packages = npmPackages(join(import.meta.dirname, 'npm'));
      const entry = join(packages, 'node_modules', 'mcp-server-kubernetes', 'dist', 'index.js');
      const [port] = (await freePorts(1)) as [number];
      const env = {
        PATH: process.env['PATH'],
        HOST: '127.0.0.1',
        PORT: String(port),
        ENABLE_UNSAFE_STREAMABLE_HTTP_TRANSPORT: '1',
        // Nothing listens there.
        K8S_SERVER: 'http://127.0.0.1:9',
        K8S_TOKEN: 'none',
      };
      const { stop, lines } = startProgram([process.execPath, entry], env);
      for await (const line of lines) if (line.includes('is listening')) break;
      return { port, stop };
    },
  };
}

function python(...args: string[]): readonly string[] {
  const requirements = join(
    import.meta.dirname,
    '..',
    '..',
    'corpus',
    'recorders',
    'python',
    'requirements.txt',
  );
  return [pythonWith(requirements), join(import.meta.dirname, 'python', 'server.py'), ...args];
}

function go(build: { moduleFile?: string; tags?: string }): readonly string[] {
  return [goProgram(join(import.meta.dirname, 'go'), build)];
}

/** A server of this folder, which says its port in its first line. */
function own(eras: MatrixServer['eras'], prepare: () => readonly string[]) {
  return {
    eras,
    denied: 'denied',
    steps: OWN_STEPS,
    foreign: true as const,
    async start() {
      const { stop, lines } = startProgram(prepare(), process.env);
      for await (const line of lines) return { port: (JSON.parse(line) as { port: number }).port, stop };
      throw new Error('the server ended before it listened');
    },
  };
}

function startProgram([program = '', ...args]: readonly string[], env: NodeJS.ProcessEnv) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'], env });
  const exited = once(child, 'exit');
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  const lines = createInterface({ input: child.stdout });
  // What it says later is nobody's, and must not fill the pipe.
  lines.once('close', () => child.stdout.resume());
  return {
    lines,
    async stop() {
      process.off('exit', kill);
      kill();
      await exited;
    },
  };
}
