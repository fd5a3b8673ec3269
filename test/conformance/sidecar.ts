/** Runs the sidecar from its source in front of a server, without authentication: the suite can send no token. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { CONFIG_ENV, CONFIG_VERSION, POD_ENV } from '../../sidecar/config.ts';
import type { SidecarConfigInput } from '../../sidecar/config.ts';
import { programOf } from '../bundles/programs.ts';
import { freePorts } from './ports.ts';

const ENTRY = programOf('sidecar');

export interface RunningSidecar {
  url: string;
  stop: () => Promise<void>;
}

export async function startSidecar(upstreamPort: number): Promise<RunningSidecar> {
  const [listenPort, adminPort] = (await freePorts(2)) as [number, number];
  const config: SidecarConfigInput = {
    version: CONFIG_VERSION,
    adminPort,
    drain: { path: '/drain/conformance-conformance', endpointGraceMs: 0, timeoutMs: 1000 },
    servers: [
      {
        name: 'reference',
        listenPort,
        upstream: { transport: 'streamable-http', port: upstreamPort, path: '/mcp' },
        auth: { mode: 'none' },
        audit: 'none',
      },
    ],
  };
  const env = {
    PATH: process.env.PATH,
    [CONFIG_ENV]: JSON.stringify(config),
    [POD_ENV.name]: 'reference-0',
    [POD_ENV.namespace]: 'default',
    [POD_ENV.uid]: 'b1a1e5a0-4b1c-4d37-9a53-0f6f5f6d2c11',
    [POD_ENV.ip]: '127.0.0.1',
    [POD_ENV.node]: 'node',
  };
  const child = spawn(process.execPath, [ENTRY], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
    await exited;
    clearTimeout(timer);
  };
  for (let waitedMs = 0; waitedMs < 10_000; waitedMs += 50) {
    if (child.exitCode !== null) throw new Error(`the sidecar ended with exit code ${child.exitCode}`);
    const ready = await fetch(`http://127.0.0.1:${adminPort}/readyz`).catch(() => undefined);
    if (ready?.ok) return { url: `http://127.0.0.1:${listenPort}/mcp`, stop };
    await sleep(50);
  }
  await stop();
  throw new Error('the sidecar was not ready within 10 s');
}
