/** 2025-11-25 with the first line of the TypeScript SDK. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
  type LoggingLevel,
} from '@modelcontextprotocol/sdk/types.js';
import { ROOT, SAMPLED, type Seen, type Step } from '../steps.ts';
import { contentText, newNotebook, runSteps, type Driver, type Notebook } from './typescript.ts';

export async function runV1(url: string, steps: readonly Step[]): Promise<Seen> {
  return runOver(new StreamableHTTPClientTransport(new URL(url)) as Transport, steps);
}

/** Over the transport of 2024-11-05. */
export async function runSse(url: string, steps: readonly Step[]): Promise<Seen> {
  return runOver(new SSEClientTransport(new URL(url)), steps);
}

/** Through a program that speaks stdio to its client. */
export async function runStdio(command: string, args: string[], steps: readonly Step[]): Promise<Seen> {
  return runOver(new StdioClientTransport({ command, args, stderr: 'ignore' }), steps);
}

async function runOver(transport: Transport, steps: readonly Step[]): Promise<Seen> {
  const notebook = newNotebook();
  const client = newClient(notebook);
  await client.connect(transport);
  const progressed = watchProgress(transport);
  const version = (transport as { protocolVersion?: string }).protocolVersion ?? '';
  return runSteps(driverOf(client, version, progressed), notebook, steps);
}

function newClient(notebook: Notebook): Client {
  const capabilities = { elicitation: {}, sampling: {}, roots: {} };
  const client = new Client({ name: 'matrix', version: '1' }, { capabilities });
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    notebook.asked.push(params.message);
    return { action: 'accept' as const, content: notebook.answer as Record<string, string> };
  });
  client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => {
    notebook.asked.push(...params.messages.map(({ content }) => contentText(content)));
    const content = { type: 'text' as const, text: SAMPLED };
    return { role: 'assistant' as const, content, model: 'm' };
  });
  client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: ROOT, name: 'here' }] }));
  client.setNotificationHandler(
    LoggingMessageNotificationSchema,
    ({ params }) => void notebook.logged.push(`${params.level} ${String(params.data)}`),
  );
  client.setNotificationHandler(
    ResourceUpdatedNotificationSchema,
    ({ params }) => void notebook.changed.push(params.uri),
  );
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => void notebook.changed.push('tools'));
  return client;
}

interface Progressed {
  tell: ((done: number) => void) | undefined;
}

/** What arrives: this line of the SDK drops progress that its event loop reads together with the answer. */
function watchProgress(transport: Transport): Progressed {
  const progressed: Progressed = { tell: undefined };
  const given = transport.onmessage;
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- a transport of the SDK has no other
  transport.onmessage = (message, extra) => {
    if ('method' in message && message.method === 'notifications/progress')
      progressed.tell?.(Number(message.params?.['progress']));
    given?.(message, extra);
  };
  return progressed;
}

function driverOf(client: Client, version: string, progressed: Progressed): Driver {
  return {
    version,
    modern: false,
    request(what, cursor) {
      const page = cursor === undefined ? {} : { cursor };
      if (what === 'tools') return client.listTools(page);
      if (what === 'prompts') return client.listPrompts(page);
      return what === 'resources' ? client.listResources(page) : client.listResourceTemplates(page);
    },
    callTool(params, { onprogress, signal }) {
      progressed.tell = onprogress;
      return client.callTool(params, undefined, {
        // Without it the call asks for no progress.
        ...(onprogress ? { onprogress: () => undefined } : {}),
        ...(signal ? { signal } : {}),
      });
    },
    getPrompt: (params) => client.getPrompt(params),
    readResource: (uri) => client.readResource({ uri }),
    complete: (params) => client.complete(params),
    setLevel: (level) => client.setLoggingLevel(level as LoggingLevel),
    async listen(uri) {
      if (uri === undefined) return () => Promise.resolve();
      await client.subscribeResource({ uri });
      return () => client.unsubscribeResource({ uri });
    },
    ping: () => client.ping(),
    close: () => client.close(),
  };
}
