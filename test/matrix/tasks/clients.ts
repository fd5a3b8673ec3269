/** Clients that know tasks and are not ours: each calls a tool as a task, and answers what it is asked within. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { json, text } from 'node:stream/consumers';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { CallToolResultSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { pythonWith } from '../../programs/built-once.ts';

export interface TaskCall {
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly answer: Readonly<Record<string, string>>;
}

export interface TaskSeen {
  /** Whether it became a task. */
  readonly task: boolean;
  readonly text: string;
  readonly asked: readonly string[];
}

export interface TasksClient {
  readonly name: string;
  readonly speaks: string;
  /** Where it looks for a server. */
  readonly path: string;
  readonly run: (url: string, call: TaskCall) => Promise<TaskSeen>;
}

export const TASK_CLIENTS: readonly TasksClient[] = [
  {
    name: 'TypeScript SDK 1',
    speaks: '2025-11-25',
    path: '/mcp',
    run: (url, call) => runV1(new StreamableHTTPClientTransport(new URL(url)) as Transport, call),
  },
  {
    name: 'TypeScript SDK 1, HTTP+SSE',
    speaks: '2025-11-25',
    path: '/sse',
    run: (url, call) => runV1(new SSEClientTransport(new URL(url)), call),
  },
  { name: 'FastMCP 4.0.11', speaks: '2026-07-28', path: '/mcp', run: runFastMcp },
];

async function runV1(transport: Transport, { name, arguments: args, answer }: TaskCall): Promise<TaskSeen> {
  const client = new Client(
    { name: 'tasks', version: '1' },
    { capabilities: { elicitation: {}, tasks: {} } },
  );
  const asked: string[] = [];
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    asked.push(params.message);
    return { action: 'accept' as const, content: { ...answer } };
  });
  await client.connect(transport);
  try {
    // It learns here which tools may be tasks.
    await client.listTools();
    let task = false;
    for await (const told of client.experimental.tasks.callToolStream(
      { name, arguments: args },
      CallToolResultSchema,
    )) {
      if (told.type === 'taskCreated') task = true;
      if (told.type === 'error') throw told.error;
      if (told.type !== 'result') continue;
      const content = (told.result as { content: { text?: string }[] }).content;
      return { task, text: content.map((each) => each.text ?? '').join('\n'), asked };
    }
    throw new Error('the task has no end');
  } finally {
    await client.close();
  }
}

export const PYTHON = join(import.meta.dirname, 'python');
export const fastMcp = (): string => pythonWith(join(PYTHON, 'requirements.txt'));

async function runFastMcp(url: string, call: TaskCall): Promise<TaskSeen> {
  const child = spawn(fastMcp(), [join(PYTHON, 'client.py')], { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(JSON.stringify({ url, ...call }));
  const [seen, problem] = await Promise.all([json(child.stdout).catch(() => undefined), text(child.stderr)]);
  if (seen === undefined) throw new Error(problem.trim().split('\n').slice(-5).join('\n'));
  return seen as TaskSeen;
}
