/** The sidecar as a program, for tests that otherwise have it in their own process (test/bundles/programs.ts). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { CONFIG_ENV, POD_ENV } from '../../../sidecar/config.ts';
import { NODE_FLAGS } from '../../../webhook/container.ts';
import { programOf } from '../../bundles/programs.ts';
import type { SidecarOptions } from './start-sidecar.ts';

const CLOSE_MS = 300;

type Pod = { name: string; namespace: string; uid: string; node: string; ip: string };
type Sinks = {
  audit: (line: string) => void;
  event: (event: string, fields: Record<string, unknown>) => void;
};

/** Returns when it listens. @throws with `code` EADDRINUSE when a port is taken */
export async function spawnSidecar(
  config: string,
  pod: Pod,
  apiServer: SidecarOptions['apiServer'],
  { audit, event }: Sinks,
): Promise<{ close: () => Promise<void> }> {
  const child = spawn(process.execPath, [...NODE_FLAGS, programOf('sidecar')], {
    env: {
      [CONFIG_ENV]: config,
      ...Object.fromEntries(Object.entries(pod).map(([key, value]) => [POD_ENV[key as keyof Pod], value])),
      ...(apiServer && {
        KUBERNETES_SERVICE_HOST: apiServer.host,
        KUBERNETES_SERVICE_PORT: `${apiServer.port}`,
      }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  createInterface(child.stdout).on('line', audit);
  const started = Promise.withResolvers<void>();
  let said = '';
  createInterface(child.stderr).on('line', (line) => {
    said += `${line}\n`;
    if (!line.startsWith('{')) return;
    const { time: _, component: __, event: name, ...fields } = JSON.parse(line) as Record<string, unknown>;
    if (name === 'started') started.resolve();
    event(String(name), fields);
  });
  void exited.then(() => {
    const code = said.includes('EADDRINUSE') ? 'EADDRINUSE' : 'ended';
    started.reject(Object.assign(new Error(`the sidecar ended:\n${said}`), { code }));
  });
  await started.promise;
  return {
    close: async () => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), CLOSE_MS);
      await exited;
      clearTimeout(timer);
    },
  };
}
