/** Who carries HTTP to a server of stdio: the sidecar with its supervisor, and those of others, each as its README says. */
import { mkdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ownPlatform } from '../../../manifests/platforms.ts';
import { supervisorFor } from '../../../manifests/supervisor.ts';
import type { SidecarConfigInput } from '../../../sidecar/config.ts';
import { CONFIG_ENV, CONFIG_VERSION } from '../../../sidecar/config.ts';
import { npmPackages, pythonWith } from '../../programs/built-once.ts';
import { tokenKind } from '../kinds.ts';
import { LOAD_CORE, pinned } from '../setup.ts';
import { ALLOWED_TOOLS, POD } from '../targets.ts';
import type { Target } from '../targets.ts';

export const OURS = 'sidecar';
const PEERS = join(import.meta.dirname, 'peers');

export interface Place {
  /** A directory of this run alone. */
  readonly directory: string;
  readonly token: string;
  readonly ports: readonly [number, number];
}

/** The server has the core of the load: what is measured is between the two. */
export const serverCommand = (load: string): string[] => pinned(LOAD_CORE, [load, 'stdio']);

/** Of a target's processes, those that are not the server's. */
export const notServer =
  (load: string) =>
  (pid: number): boolean => {
    try {
      return readlinkSync(`/proc/${pid}/exe`) !== load;
    } catch {
      return false;
    }
  };

/** @param ports free ones */
export function peers(load: string, ports: readonly [number, number, number]): Target[] {
  const packages = join(npmPackages(PEERS), 'node_modules');
  const supergateway = join(packages, 'supergateway', 'dist', 'index.js');
  const proxy = join(packages, 'mcp-proxy', 'dist', 'bin', 'mcp-proxy.mjs');
  const python = pythonWith(join(PEERS, 'requirements.txt'));
  const server = serverCommand(load);
  const [first, second, third] = ports.map(String) as [string, string, string];
  const flags = ['--stateful', '--logLevel', 'none', '--outputTransport', 'streamableHttp', '--port', first];
  const listen = ['--host', '127.0.0.1', '--server', 'stream', '--port', second];
  const commands = {
    'supergateway 4.0.0': [process.execPath, supergateway, ...flags, '--stdio', server.join(' ')],
    'mcp-proxy 6.7.19 (npm)': [process.execPath, proxy, ...listen, '--', ...server],
    'mcp-proxy 0.13.0 (PyPI)': [
      python,
      '-m',
      'mcp_proxy',
      '--log-level',
      'ERROR',
      '--port',
      third,
      '--',
      ...server,
    ],
  };
  return Object.entries(commands).map(([name, command], at) => ({
    name,
    port: ports[at]!,
    command,
    env: {},
    token: 'none',
  }));
}

/**
 * The sidecar as the webhook sets it up, and the supervisor of the server's container: token, filter and audit, which the
 * others do not have.
 */
export function ours(place: Place, load: string, sidecar: readonly string[]): Target {
  const { directory, token, ports } = place;
  const runDirectory = join(directory, 'run');
  mkdirSync(runDirectory);
  const supervise = supervisorFor(ownPlatform());
  const supervisor = [supervise, '--run', runDirectory, '--', ...serverCommand(load)];
  const config: SidecarConfigInput = {
    version: CONFIG_VERSION,
    adminPort: ports[1],
    drain: { path: '/drain/benchbenchbenchbench', endpointGraceMs: 0, timeoutMs: 1000 },
    servers: [
      {
        name: 'bench',
        listenPort: ports[0],
        upstream: {
          transport: 'stdio',
          runDirectory,
          modern: 'per-principal',
          idleSeconds: 10,
          maxProcesses: 200,
        },
        filter: { allowTools: [...ALLOWED_TOOLS, 'burst'], mode: 'all' },
        audit: 'stdout',
        ...tokenKind(directory, token).server,
      },
    ],
  };
  return {
    name: OURS,
    port: ports[0],
    // One tree of processes, so that both are counted; the log of one alone is waited for.
    command: [
      'sh',
      '-c',
      `${supervisor.map((each) => `'${each}'`).join(' ')} >/dev/null 2>&1 & exec "$@"`,
      'sh',
      ...sidecar,
    ],
    env: {
      [CONFIG_ENV]: JSON.stringify(config),
      ...POD,
    },
    token,
  };
}
