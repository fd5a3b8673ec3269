/**
 * The reference server: both eras on one endpoint, as the SDK serves them.
 *
 * 2026-07-28 requests get an instance each; 2025-11-25 clients get a session with a GET stream and resumption.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import {
  NodeStreamableHTTPServerTransport,
  hostHeaderValidation,
  originValidation,
  toNodeHandler,
  toWebRequest,
} from '@modelcontextprotocol/node';
import {
  McpServer,
  createMcpHandler,
  createRequestStateCodec,
  isLegacyRequest,
} from '@modelcontextprotocol/server';
import type { McpRequestContext } from '@modelcontextprotocol/server';
import { memoryEventStore } from './event-store.ts';
import { registerInputTools } from './input-tools.ts';
import { registerAskingTools, registerLegacyTools } from './legacy-tools.ts';
import { registerPrompts, registerResources } from './resources.ts';
import { registerTools } from './tools.ts';
import type { Surroundings } from './tools.ts';
import { createV1Sessions } from './v1/server.ts';

/** A server of one era alone answers requests of the other as the SDKs do that know it alone; `v1` is the SDK's first line. */
export type Eras = 'both' | 'legacy' | 'modern' | 'v1';

export interface ReferenceOptions {
  path?: string;
  /** Hosts and origins that are served; `*` serves all. Localhost unless given. */
  allowedHosts?: string[];
  eras?: Eras;
}

const LOCALHOST = ['localhost', '127.0.0.1', '[::1]'];
const states = createRequestStateCodec({ key: randomBytes(32) });

/** An HTTP server that is not listening yet. */
export function createReferenceServer({
  path = '/mcp',
  allowedHosts = LOCALHOST,
  eras = 'both',
}: ReferenceOptions = {}): Server {
  const sessions = new Map<string, NodeStreamableHTTPServerTransport>();
  const modern = createMcpHandler(
    (context) =>
      buildReference(eras === 'modern' ? 'modern alone' : context.era, {
        toolsChanged: () => modern.notify.toolsChanged(),
        promptsChanged: () => modern.notify.promptsChanged(),
      }),
    { legacy: 'reject' },
  );
  const serveModern = toNodeHandler(modern);
  const v1 = createV1Sessions();
  const guards = allowedHosts.includes('*')
    ? []
    : [hostHeaderValidation(allowedHosts), originValidation(allowedHosts)];
  const server = createServer(async (request, response) => {
    try {
      if (request.url?.split('?')[0] !== path) return void response.writeHead(404).end();
      if (!guards.every((guard) => guard(request, response))) return;
      const body = request.method === 'POST' ? await bodyOf(request) : undefined;
      if (eras === 'v1') return void (await v1.handle(request, response, body));
      const legacy =
        eras === 'both' ? await isLegacyRequest(await toWebRequest(request, body)) : eras === 'legacy';
      await (legacy ? serveLegacy(sessions, request, response, body) : serveModern(request, response, body));
    } catch (error) {
      console.error(error);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    }
  });
  server.on('close', () => {
    void modern.close();
    v1.close();
    // Questions that nobody has answered wait for ten minutes otherwise.
    for (const session of sessions.values()) void session.close();
  });
  return server;
}

async function serveLegacy(
  sessions: Map<string, NodeStreamableHTTPServerTransport>,
  request: IncomingMessage,
  response: ServerResponse,
  body: unknown,
): Promise<void> {
  const id = request.headers['mcp-session-id'];
  if (typeof id === 'string') {
    const session = sessions.get(id);
    if (session) return session.handleRequest(request, response, body);
    const error = { code: -32001, message: 'Session not found' };
    response.writeHead(404, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id: null, error }));
    return;
  }
  const transport = new NodeStreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    onsessioninitialized: (session) => void sessions.set(session, transport),
    onsessionclosed: (session) => void sessions.delete(session),
    eventStore: memoryEventStore(),
    retryInterval: 500,
  });
  const server = buildReference('legacy', {
    toolsChanged: () => server.sendToolListChanged(),
    promptsChanged: () => server.sendPromptListChanged(),
  });
  await server.connect(transport);
  await transport.handleRequest(request, response, body);
}

/** What it serves, over any transport. */
export function buildReference(
  era: McpRequestContext['era'] | 'modern alone',
  surroundings: Surroundings,
): McpServer {
  const server = new McpServer(
    { name: 'reference', version: '1.0.0' },
    {
      capabilities: {
        logging: {},
        completions: {},
        ...(era === 'legacy' ? { resources: { subscribe: true } } : {}),
      },
      cacheHints: { 'tools/list': { ttlMs: 60_000, cacheScope: 'public' } },
      requestState: { verify: states.verify },
    },
  );
  registerTools(server, surroundings);
  registerInputTools(server, states);
  registerResources(server);
  registerPrompts(server);
  if (era === 'modern alone') registerAskingTools(server);
  if (era === 'legacy') {
    registerLegacyTools(server);
    server.server.setRequestHandler('resources/subscribe', () => ({}));
    server.server.setRequestHandler('resources/unsubscribe', () => ({}));
  }
  return server;
}

/** The parsed body; what is not JSON is left to the SDK as an empty value that it refuses. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    return '';
  }
}
