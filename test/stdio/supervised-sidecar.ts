/** A sidecar and the supervisor of a server of stdio, each a process, as they are in a pod. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ownPlatform } from '../../manifests/platforms.ts';
import { supervisorFor } from '../../manifests/supervisor.ts';
import { CONFIG_ENV, CONFIG_VERSION, POD_ENV, type SidecarConfigInput } from '../../sidecar/config.ts';
import { NODE_FLAGS } from '../../webhook/container.ts';
import { programOf } from '../bundles/programs.ts';
import { freePorts } from '../conformance/ports.ts';
import { writeAsKubelet } from '../sidecar/mounted/write-volume.ts';

export interface Supervised {
  readonly port: number;
  readonly runDirectory: string;
  readonly supervisor: () => number;
  readonly sidecar: () => number;
  /** SIGKILL, and another one in its place, as the kubelet would start it. */
  restartSidecar(): Promise<void>;
  restartSupervisor(): Promise<void>;
  stop(): Promise<void>;
}

type Server = SidecarConfigInput['servers'][number];

export const TOKEN = 'rude-0123456789abcdef0123456789abcdef';

export async function startSupervised(
  directory: string,
  command: readonly string[],
  upstream: Partial<Extract<Server['upstream'], { transport: 'stdio' }>>,
): Promise<Supervised> {
  const runDirectory = join(directory, 'run');
  const tokens = join(directory, 'tokens');
  mkdirSync(runDirectory);
  mkdirSync(tokens);
  writeAsKubelet(tokens, { rude: TOKEN });
  const [port, adminPort] = (await freePorts(2)) as [number, number];
  const config: SidecarConfigInput = {
    version: CONFIG_VERSION,
    adminPort,
    drain: { path: '/drain/abcdefghijklmnop', endpointGraceMs: 0, timeoutMs: 1_000 },
    servers: [
      {
        name: 'rude',
        listenPort: port,
        upstream: { transport: 'stdio', runDirectory, modern: 'per-principal', ...upstream },
        auth: { mode: 'token', source: 'secret/rude', directory: tokens },
        audit: 'none',
      },
    ],
  };
  const pod = {
    name: 'pod-0',
    namespace: 'ns',
    uid: 'b1a1e5a0-4b1c-4d37-9a53-0f6f5f6d2c11',
    node: 'n',
    ip: '127.0.0.1',
  };
  const env = {
    [CONFIG_ENV]: JSON.stringify(config),
    ...Object.fromEntries(Object.entries(POD_ENV).map(([key, name]) => [name, pod[key as keyof typeof pod]])),
  };
  const startSidecar = async (): Promise<ChildProcess> => {
    const child = spawn(process.execPath, [...NODE_FLAGS, programOf('sidecar')], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    for await (const line of createInterface({ input: child.stderr })) {
      said += `${line}\n`;
      if (!line.includes('"started"')) continue;
      child.stderr.resume();
      return child;
    }
    throw new Error(`the sidecar ended:\n${said}`);
  };
  const startSupervisor = (): ChildProcess =>
    spawn(supervisorFor(ownPlatform()), ['--run', runDirectory, '--', ...command], {
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', 'ignore', 'ignore'],
    });
  let supervisor = startSupervisor();
  let sidecar = await startSidecar();
  const killAll = (): void => [sidecar, supervisor].forEach((child) => void child.kill('SIGKILL'));
  process.once('exit', killAll);
  return {
    port,
    runDirectory,
    supervisor: () => supervisor.pid!,
    sidecar: () => sidecar.pid!,
    async restartSidecar() {
      await killed(sidecar);
      sidecar = await startSidecar();
    },
    async restartSupervisor() {
      await killed(supervisor);
      supervisor = startSupervisor();
    },
    async stop() {
      process.off('exit', killAll);
      await killed(sidecar);
      await killed(supervisor);
    },
  };
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
