/** The processes of a soak: a server that lasts, and the sidecar as its container runs it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CONFIG_ENV, CONFIG_VERSION, POD_ENV, type SidecarConfigInput } from '../../sidecar/config.ts';
import { NODE_FLAGS } from '../../webhook/container.ts';
import { buildGo } from '../bench/setup.ts';
import { stopChild } from '../bench/rounds.ts';
import { freePorts } from '../conformance/ports.ts';

const BUNDLE = resolve(import.meta.dirname, '../../dist/sidecar.cjs');
const PROBE = join(import.meta.dirname, 'probe.cjs');
/** Callers, and what each shows. */
export const TOKENS = Array.from(
  { length: 6 },
  (_, index) => `soak-${index}-0123456789abcdef0123456789abcdef`,
);
export const TOKEN = TOKENS[0]!;

export interface Started {
  readonly child: ChildProcess;
  stop(): Promise<void>;
}

export interface ServerStats {
  readonly sessions: number;
  readonly streams: number;
  readonly calls: number;
  readonly openedSessions: number;
  readonly openedStreams: number;
}

export interface SoakServer extends Pick<Started, 'stop'> {
  readonly port: number;
  stats(): Promise<ServerStats>;
  /** One event on every open stream. */
  broadcast(): Promise<void>;
}

export async function startServer(): Promise<SoakServer> {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'kubectl-mcp', 'soak');
  const binary = buildGo(join(import.meta.dirname, 'server'), join(cache, 'server'));
  const child = spawn(binary, { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(String(line).trim());
  const url = `http://127.0.0.1:${port}`;
  return {
    port,
    stats: async () => (await (await fetch(`${url}/stats`)).json()) as ServerStats,
    broadcast: async () => void (await fetch(`${url}/broadcast`)),
    stop: () => stopChild(child),
  };
}

export interface SoakSidecar extends Started {
  readonly port: number;
  readonly adminPort: number;
  /** A gauge or counter without labels. */
  metric(name: string): Promise<number>;
  /** What it said of itself on stderr. */
  readonly errors: string[];
}

export interface SidecarSettings {
  /** Of the container; the heap gets half, as the webhook has it. */
  readonly memoryMib: number;
  readonly limits?: SidecarConfigInput['servers'][number]['limits'];
  /** Runs in front of the command, a cgroup's launcher say. */
  readonly launcher?: readonly string[];
  readonly bundle?: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
}

/** The Node flags are those of webhook/container.ts. */
export async function startSidecar(
  directory: string,
  upstreamPort: number,
  { memoryMib, limits, launcher = [], bundle = BUNDLE, env = {} }: SidecarSettings,
): Promise<SoakSidecar> {
  const tokens = join(directory, 'tokens');
  mkdirSync(tokens, { recursive: true });
  TOKENS.forEach((token, index) => writeFileSync(join(tokens, `caller-${index}`), token));
  const [port, adminPort] = (await freePorts(2)) as [number, number];
  const config: SidecarConfigInput = {
    version: CONFIG_VERSION,
    adminPort,
    drain: { path: '/drain/soaksoaksoaksoak', endpointGraceMs: 0, timeoutMs: 1000 },
    servers: [
      {
        name: 'soak',
        listenPort: port,
        upstream: { transport: 'streamable-http', port: upstreamPort, path: '/mcp' },
        ...(limits ? { limits } : {}),
        auth: { mode: 'token', source: 'secret/soak-mcp-tokens', directory: tokens },
        filter: { denyTools: ['secret'], mode: 'all' },
      },
    ],
  };
  const flags = [...NODE_FLAGS, `--max-old-space-size=${memoryMib / 2}`];
  const [file = '', ...args] = [...launcher, process.execPath, ...flags, '--require', PROBE, bundle];
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      ...env,
      [CONFIG_ENV]: JSON.stringify(config),
      [POD_ENV.name]: 'soak-6d5f7c9b8-x2x4z',
      [POD_ENV.namespace]: 'soak',
      [POD_ENV.uid]: '0b1f6f0e-6a51-4f4e-8f39-7a2e5a1c9d10',
      [POD_ENV.ip]: '127.0.0.1',
      [POD_ENV.node]: 'soak',
    },
  });
  // Audit lines are read and thrown away, as fast as they come.
  child.stdout!.resume();
  const errors: string[] = [];
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    if (errors.length < 1_000) errors.push(...text.trimEnd().split('\n'));
  });
  const admin = `http://127.0.0.1:${adminPort}`;
  await healthy(admin, child, errors);
  return {
    child,
    port,
    adminPort,
    errors,
    metric: async (name) => {
      const text = await (await fetch(`${admin}/metrics`)).text();
      return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
    },
    stop: () => stopChild(child),
  };
}

async function healthy(admin: string, child: ChildProcess, errors: readonly string[]): Promise<void> {
  for (let waited = 0; waited < 20_000; waited += 50) {
    if (child.exitCode !== null) throw new Error(`the sidecar ended: ${errors.slice(-5).join('\n')}`);
    const said = await fetch(`${admin}/health`).then(
      (response) => response.json() as Promise<{ status: string }>,
      () => undefined,
    );
    if (said?.status === 'healthy') return;
    await sleep(50);
  }
  throw new Error('the sidecar was not healthy within 20 s');
}
