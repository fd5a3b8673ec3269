/** Servers that have tasks: one of each era that is not ours, and the reference server of the extension. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePorts } from '../../conformance/ports.ts';
import { createTaskServer } from '../../conformance/reference/task-server.ts';
import { startEverythingServer } from '../../sidecar/wire/everything-server.ts';
import { fastMcp, PYTHON, type TaskCall } from './clients.ts';

export interface TasksServer {
  readonly name: string;
  readonly era: 'legacy' | 'modern';
  readonly transport: 'streamable-http' | 'sse';
  /** It serves sessions too, and makes no tasks there. */
  readonly noTasksInSessions?: true;
  /** Asks its client within the task, or does not. */
  readonly calls: readonly (TaskCall & { readonly asks: readonly RegExp[]; readonly says: RegExp })[];
  readonly start: () => Promise<{ readonly port: number; readonly stop: () => Promise<unknown> }>;
}

const RESEARCH = {
  name: 'simulate-research-query',
  arguments: { topic: 'python', ambiguous: true },
  answer: { interpretation: 'snake' },
  asks: [/python/],
  says: /python \(snake\)/,
};

export const TASK_SERVERS: readonly TasksServer[] = [
  {
    name: 'server-everything',
    era: 'legacy',
    transport: 'streamable-http',
    calls: [RESEARCH],
    start: () => everything('streamableHttp'),
  },
  {
    name: 'server-everything, HTTP+SSE',
    era: 'legacy',
    transport: 'sse',
    calls: [RESEARCH],
    start: () => everything('sse'),
  },
  {
    name: 'reference server of the extension',
    era: 'modern',
    transport: 'streamable-http',
    calls: [
      {
        name: 'slow_compute',
        arguments: { seconds: 0.3, label: 'ü' },
        answer: {},
        asks: [],
        says: /computed ü/,
      },
      {
        name: 'multi_input',
        arguments: {},
        answer: { name: 'Ada' },
        asks: [/One/, /Two/],
        says: /Ada and Ada/,
      },
    ],
    async start() {
      const server = createTaskServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const stop = async (): Promise<void> => {
        server.closeAllConnections();
        server.close();
      };
      return { port: (server.address() as AddressInfo).port, stop };
    },
  },
  {
    name: 'FastMCP 4.0.11',
    era: 'modern',
    noTasksInSessions: true,
    transport: 'streamable-http',
    calls: [
      { name: 'slow', arguments: { seconds: 0.3 }, answer: {}, asks: [], says: /slept/ },
      { name: 'ask', arguments: {}, answer: { name: 'Ada' }, asks: [/name\?/], says: /Hello, Ada/ },
    ],
    async start() {
      const child = spawn(fastMcp(), [join(PYTHON, 'server.py')], { stdio: ['ignore', 'pipe', 'ignore'] });
      const exited = once(child, 'exit');
      const stop = (): Promise<unknown> => {
        child.kill('SIGKILL');
        return exited;
      };
      for await (const line of createInterface({ input: child.stdout }))
        return { port: (JSON.parse(line) as { port: number }).port, stop };
      throw new Error('the server ended before it listened');
    },
  },
];

async function everything(transport: 'streamableHttp' | 'sse') {
  const [port] = (await freePorts(1)) as [number];
  const server = await startEverythingServer(port, transport);
  return { port, stop: () => server.kill() };
}
