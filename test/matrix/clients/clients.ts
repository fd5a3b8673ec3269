import { join } from 'node:path';
import { goProgram, npmPackages, pythonWith } from '../../programs/built-once.ts';
import type { Seen, Step } from '../steps.ts';
import { runInspector } from './inspector.ts';
import { runProgram } from './program.ts';
import { runSse, runStdio, runV1 } from './typescript-v1.ts';
import { runV2 } from './typescript-v2.ts';

export interface MatrixClient {
  readonly name: string;
  readonly eras: readonly ('legacy' | 'modern')[];
  /** Which revision it and the sidecar agree on, whatever the server speaks. */
  readonly speaks: string;
  /** Streamable HTTP alone unless given. */
  readonly transports?: readonly ('streamable-http' | 'sse')[];
  /** Where it looks for a server; `/mcp` unless given. */
  readonly path?: string;
  /** A program that is built first. */
  readonly foreign?: true;
  /** Hands on nothing of the progress that comes together with the answer, and shows no other. */
  readonly losesProgress?: true;
  /** @throws where the client does not connect */
  readonly run: (url: string, steps: readonly Step[]) => Promise<Seen>;
}

const LEGACY = '2025-11-25';
const MODERN = '2026-07-28';

/** The clients that say what a server does where another client cannot be connected to it directly. */
export const LEGACY_CLIENT: MatrixClient = {
  name: 'TypeScript SDK 1',
  eras: ['legacy'],
  speaks: LEGACY,
  run: runV1,
};
export const MODERN_CLIENT: MatrixClient = {
  name: 'TypeScript SDK 2, 2026-07-28',
  eras: ['modern'],
  speaks: MODERN,
  run: (url, steps) => runV2(url, steps, { pin: '2026-07-28' }),
};
export const SSE_CLIENT: MatrixClient = {
  name: 'TypeScript SDK 1, HTTP+SSE',
  eras: ['legacy'],
  speaks: '2024-11-05 transport',
  transports: ['sse'],
  path: '/sse',
  run: runSse,
};

export const CLIENTS: readonly MatrixClient[] = [
  SSE_CLIENT,
  LEGACY_CLIENT,
  MODERN_CLIENT,
  {
    name: 'TypeScript SDK 2, auto',
    eras: ['legacy', 'modern'],
    speaks: MODERN,
    run: (url, steps) => runV2(url, steps, 'auto'),
  },
  program('Python SDK 2.3.0', ['legacy', 'modern'], { speaks: MODERN, mode: 'auto', prepare: python }),
  program('Python SDK 2.3.0, legacy mode', ['legacy'], { speaks: LEGACY, mode: 'legacy', prepare: python }),
  {
    ...program('Go SDK 1.8.0', ['legacy', 'modern'], { speaks: MODERN, mode: '', prepare: go }),
    losesProgress: true,
  },
  {
    name: 'mcp-remote 0.15.1',
    eras: ['legacy'],
    speaks: LEGACY,
    foreign: true,
    run: (url, steps) => runStdio(process.execPath, [npm('mcp-remote/dist/proxy.js'), url], steps),
  },
  {
    name: 'inspector 2.12.0, --cli',
    eras: ['legacy'],
    speaks: LEGACY,
    transports: ['streamable-http', 'sse'],
    foreign: true,
    run: (url, steps) =>
      runInspector(npm('@modelcontextprotocol/inspector/clients/launcher/build/index.js'), url, steps),
  },
];

function program(
  name: string,
  eras: MatrixClient['eras'],
  { speaks, mode, prepare }: { speaks: string; mode: string; prepare: () => readonly string[] },
): MatrixClient {
  return {
    name,
    eras,
    speaks,
    foreign: true,
    run: (url, steps) => runProgram(prepare(), { url, mode, steps }),
  };
}

function python(): readonly string[] {
  const requirements = join(
    import.meta.dirname,
    '..',
    '..',
    'corpus',
    'recorders',
    'python',
    'requirements.txt',
  );
  return [pythonWith(requirements), join(import.meta.dirname, 'python', 'client.py')];
}

const npm = (path: string): string =>
  join(npmPackages(join(import.meta.dirname, 'npm')), 'node_modules', path);

function go(): readonly string[] {
  return [goProgram(join(import.meta.dirname, 'go'))];
}
