/** The sidecar as a process of its own, with the memory that its container has, to see what it holds. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { CONFIG_ENV, POD_ENV, type SidecarConfigInput } from '../../sidecar/config.ts';
import { memoryMb } from '../bench/process.ts';
import { programOf } from '../bundles/programs.ts';
import { freePorts } from '../conformance/ports.ts';
import { POD } from '../sidecar/wire/start-sidecar.ts';
import { waitFor } from '../sidecar/wire/wait-for.ts';

const ENTRY = programOf('sidecar');
const FLAGS = ['--max-semi-space-size=4', '--max-old-space-size=64'];

export interface SidecarProcess {
  readonly port: number;
  memory(): { readonly resident: number; readonly peak: number };
  stop(): Promise<void>;
}

export async function startSidecarProcess(upstreamPort: number): Promise<SidecarProcess> {
  const [listenPort, adminPort] = (await freePorts(2)) as [number, number];
  const config: SidecarConfigInput = {
    version: 1,
    adminPort,
    drain: { path: '/drain/abcdefghijklmnop', timeoutMs: 0 },
    servers: [
      {
        name: 'tested',
        listenPort,
        upstream: { transport: 'streamable-http', port: upstreamPort, path: '/mcp' },
        auth: { mode: 'none' },
      },
    ],
  };
  const child = spawn(process.execPath, [...FLAGS, ENTRY], {
    env: {
      PATH: process.env['PATH'],
      [CONFIG_ENV]: JSON.stringify(config),
      [POD_ENV.name]: POD.name,
      [POD_ENV.namespace]: POD.namespace,
      [POD_ENV.uid]: POD.uid,
      [POD_ENV.ip]: '127.0.0.1',
    },
    stdio: 'ignore',
  });
  const exited = once(child, 'exit');
  const health = async (): Promise<boolean> => {
    const response = await fetch(`http://127.0.0.1:${adminPort}/health`).catch(() => undefined);
    return ((await response?.json()) as { status?: string } | undefined)?.status === 'healthy';
  };
  await waitFor('the sidecar', health);
  return {
    port: listenPort,
    memory: () => memoryMb(child.pid!),
    async stop() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
