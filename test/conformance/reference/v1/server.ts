/** The reference server of the SDK's first line alone: it knows sessions, and nothing of 2026-07-28. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { EventStore } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { SubscribeRequestSchema, UnsubscribeRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { memoryEventStore } from '../event-store.ts';
import { registerLegacyTools } from '../legacy-tools.ts';
import { registerTools } from '../tools.ts';
import { registerInputTools } from './input-tools.ts';
import { registerPrompts, registerResources } from './resources.ts';
import { asLaterServer } from './tool-face.ts';

type Handle = (request: IncomingMessage, response: ServerResponse, body: unknown) => Promise<void>;

export function createV1Sessions(): { handle: Handle; close(): void } {
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  return {
    async handle(request, response, body) {
      const id = request.headers['mcp-session-id'];
      if (typeof id === 'string') {
        const session = sessions.get(id);
        if (session) return session.handleRequest(request, response, body);
        const error = { code: -32001, message: 'Session not found' };
        response.writeHead(404, { 'Content-Type': 'application/json' });
        response.end(JSON.stringify({ jsonrpc: '2.0', id: null, error }));
        return;
      }
      const transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: () => randomUUID(),
        onsessioninitialized: (session) => void sessions.set(session, transport),
        onsessionclosed: (session) => void sessions.delete(session),
        eventStore: memoryEventStore() as EventStore,
        retryInterval: 500,
      });
      await build().connect(transport as Transport);
      await transport.handleRequest(request, response, body);
    },
    close() {
      for (const session of sessions.values()) void session.close();
    },
  };
}

function build(): McpServer {
  const server = new McpServer(
    { name: 'reference', version: '1.0.0' },
    { capabilities: { logging: {}, completions: {}, resources: { subscribe: true } } },
  );
  const later = asLaterServer(server);
  registerTools(later, {
    toolsChanged: () => server.sendToolListChanged(),
    promptsChanged: () => server.sendPromptListChanged(),
  });
  registerLegacyTools(later);
  registerInputTools(server);
  registerResources(server);
  registerPrompts(server);
  server.server.setRequestHandler(SubscribeRequestSchema, () => ({}));
  server.server.setRequestHandler(UnsubscribeRequestSchema, () => ({}));
  return server;
}
