/** Clients of both lines of the TypeScript SDK, with the few operations that the tests need. */
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';

export interface TestClient {
  readonly era: 'legacy' | 'modern';
  /** As the client sees it; undefined where there is none. */
  sessionId(): string | undefined;
  listTools(): Promise<string[]>;
  /** The text of the first content. */
  callTool(name: string, args: Record<string, unknown>, progress?: (done: number) => void): Promise<string>;
  toolsChanged(): number;
  /** Ends the session where the era has them. */
  terminate(): Promise<void>;
  close(): Promise<void>;
}

const INFO = { name: 'wire-test', version: '1' };
/** The SDK's own type of a result is too wide to be read without a look. */
const textOf = (result: object): string => {
  const [first] = (result as { content: { text?: string }[] }).content;
  return first?.text ?? '';
};

export async function connectV1(url: string, headers: Record<string, string> = {}): Promise<TestClient> {
  const client = new Client(INFO);
  const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
  let changes = 0;
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => void changes++);
  // The SDK's own types disagree under exactOptionalPropertyTypes.
  await client.connect(transport as Transport);
  return {
    era: 'legacy',
    sessionId: () => transport.sessionId,
    listTools: async () => (await client.listTools()).tools.map((each) => each.name),
    callTool: async (name, args, progress) =>
      textOf(
        await client.callTool(
          { name, arguments: args },
          undefined,
          progress ? { onprogress: (each) => progress(each.progress) } : {},
        ),
      ),
    toolsChanged: () => changes,
    terminate: () => transport.terminateSession(),
    close: () => client.close(),
  };
}

export async function connectV2(url: string, headers: Record<string, string> = {}): Promise<TestClient> {
  const client = new ModernClient(INFO, { versionNegotiation: { mode: 'auto' } });
  const transport = new ModernTransport(new URL(url), { requestInit: { headers } });
  let changes = 0;
  client.setNotificationHandler('notifications/tools/list_changed', () => void changes++);
  await client.connect(transport);
  return {
    era: client.getProtocolEra() === 'modern' ? 'modern' : 'legacy',
    sessionId: () => transport.sessionId,
    listTools: async () => (await client.listTools()).tools.map((each) => each.name),
    callTool: async (name, args, progress) =>
      textOf(
        await client.callTool(
          { name, arguments: args },
          progress ? { onprogress: (each) => progress(each.progress) } : {},
        ),
      ),
    toolsChanged: () => changes,
    terminate: () => transport.terminateSession(),
    close: () => client.close(),
  };
}
