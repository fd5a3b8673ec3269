/** Clients of both eras, each known by its token. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { podUrl, tokenOf } from './stdio-workload.ts';

export interface StdioClient {
  readonly name: string;
  tools(): Promise<string[]>;
  /** @returns the result as JSON */
  call(tool: string, args: Record<string, unknown>): Promise<string>;
  close(): Promise<void>;
}

export type Era = 'legacy' | 'modern';

export async function connect(era: Era, url: string, token: string, name: string): Promise<StdioClient> {
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  if (era === 'legacy') {
    const client = new LegacyClient({ name, version: '1' });
    const transport = new LegacyTransport(new URL(url), { requestInit });
    await client.connect(transport as Transport);
    return {
      name,
      tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
      call: async (tool, args) => JSON.stringify(await client.callTool({ name: tool, arguments: args })),
      async close() {
        await transport.terminateSession();
        await client.close();
      },
    };
  }
  const client = new Client({ name, version: '1' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
  return {
    name,
    tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
    call: async (tool, args) => JSON.stringify(await client.callTool({ name: tool, arguments: args })),
    close: () => client.close(),
  };
}

export const PRINCIPALS = Array.from({ length: 8 }, (_, at) => `caller-${at}`);

/** One of each era for each principal, all at once. */
export async function withClients(
  namespace: string,
  workload: string,
  use: (client: StdioClient, at: number) => Promise<void>,
): Promise<void> {
  const url = await podUrl(namespace, workload);
  const tokens = await Promise.all(PRINCIPALS.map((each) => tokenOf(namespace, each, workload)));
  const clients = await Promise.all(
    PRINCIPALS.flatMap((principal, at) =>
      (['legacy', 'modern'] as const).map((era) => connect(era, url, tokens[at]!, `${era}-${principal}`)),
    ),
  );
  await Promise.all(clients.map(use));
  await Promise.all(clients.map((client) => client.close()));
}

/** What the result holds as data; some servers say it as text alone. */
export function structured(result: string): Record<string, unknown> {
  const { structuredContent, content } = JSON.parse(result) as {
    structuredContent?: Record<string, unknown>;
    content: { text: string }[];
  };
  return structuredContent ?? (JSON.parse(content[0]!.text) as Record<string, unknown>);
}
