/**
 * Clients of HTTP+SSE (2024-11-05, transports): an event stream to the client, and a POST for each message from it. Each
 * message is a request of its own to the MCP endpoint, judged like any other; what it is answered goes to the stream.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ClientMessage } from '../client-message.ts';
import { LISTEN_PATH } from '../config.ts';
import { refusalBody, refuse, type Refusal } from '../reasons.ts';
import { EVENT_STREAM_HEADERS, messageEvent } from '../sse.ts';
import type { Connection } from './connection.ts';
import type { McpHandler } from './mcp-handler.ts';
import { SinkResponse } from './sink-response.ts';

export const SSE_PATH = '/sse';
export const MESSAGES_PATH = '/messages';

export interface SseClients {
  /** `GET /sse`. */
  open(request: IncomingMessage, response: ServerResponse, connection: Connection): void;
  /** `POST /messages`. */
  message(request: IncomingMessage, response: ServerResponse, connection: Connection): void;
}

interface SseClient {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly connection: Connection;
  /** Answers that are not over. */
  readonly sinks: Set<SinkResponse>;
  /** The session that `initialize` has opened, as clients of streamable HTTP name it. */
  session?: string;
  /** Who has not said anything that was let in by then is sent away. */
  readonly due: NodeJS.Timeout;
  /** To be called when the client has taken what it was sent. */
  readonly untilDrained: (() => void)[];
}

/** Anybody may open a stream; it is worth nothing until a message on it was let in. */
const MAX_CLIENTS = 256;
const FIRST_MESSAGE_MS = 10_000;
const KEEP_ALIVE_MS = 15_000;
const ACCEPT = 'application/json, text/event-stream';

/** @param answerAlone answers without asking the server @param report told of exceptions, which end one answer */
export function createSseClients(
  handle: McpHandler,
  answerAlone: (request: IncomingMessage, response: ServerResponse, refusal: Refusal) => void,
  report: (error: unknown) => void,
): SseClients {
  const clients = new Map<string, SseClient>();

  function send({ response, untilDrained }: SseClient, data: Buffer, taken: () => void = nothing): void {
    if (response.writableEnded || response.destroyed) return taken();
    if (response.write(messageEvent(data))) taken();
    else untilDrained.push(taken);
  }

  function close(id: string, client: SseClient): void {
    clients.delete(id);
    clearTimeout(client.due);
    for (const sink of client.sinks) sink.destroy();
    const { session } = client;
    if (session !== undefined) carry(client, { ...client, method: 'DELETE' });
    client.response.end();
  }

  /** Another request of the client's, with what it has proved in the one at hand. */
  function carry(
    client: SseClient,
    {
      request,
      connection,
      method,
    }: { request: IncomingMessage; connection: Connection; method: 'GET' | 'DELETE' },
  ): void {
    const { 'content-length': _, 'transfer-encoding': __, 'content-type': ___, ...headers } = request.headers;
    const own = Object.create(request, {
      method: { value: method },
      headers: { value: { ...headers, accept: 'text/event-stream', 'mcp-session-id': client.session } },
    }) as IncomingMessage;
    const sink = new SinkResponse({
      head: nothing,
      message: (data, taken) => send(client, data, taken),
      refused: nothing,
      faulted: report,
      ended() {
        client.sinks.delete(sink);
        // The server, or a drain, has ended what it has to say unasked; a client then opens a new stream.
        if (method === 'GET' && sink.headersSent && sink.writableFinished && sink.wasStream)
          client.response.end();
      },
    });
    client.sinks.add(sink);
    handle(own, sink as unknown as ServerResponse, LISTEN_PATH, besides(connection));
  }

  return {
    open(request, response, connection) {
      if (clients.size >= MAX_CLIENTS) return answerAlone(request, response, refuse('too-much-under-way'));
      const id = randomUUID();
      const due = setTimeout(() => response.end(), FIRST_MESSAGE_MS).unref();
      const untilDrained: (() => void)[] = [];
      const client: SseClient = { request, response, connection, sinks: new Set(), due, untilDrained };
      response.on('drain', () => {
        for (const taken of untilDrained.splice(0)) taken();
      });
      clients.set(id, client);
      const keepAlive = setInterval(() => void response.write(': keep-alive\n\n'), KEEP_ALIVE_MS).unref();
      response.on('close', () => {
        clearInterval(keepAlive);
        if (clients.has(id)) close(id, client);
      });
      response.writeHead(200, EVENT_STREAM_HEADERS);
      response.write(`event: endpoint\ndata: ${MESSAGES_PATH}?sessionId=${id}\n\n`);
    },
    message(request, response, connection) {
      const id = new URLSearchParams(request.url?.split('?')[1]).get('sessionId') ?? '';
      const client = clients.get(id);
      if (!client) return answerAlone(request, response, refuse('session-unknown'));
      request.headers.accept = ACCEPT;
      if (client.session !== undefined) request.headers['mcp-session-id'] = client.session;
      else delete request.headers['mcp-session-id'];
      let accepted = false;
      /** Raw JSON of the id of a request. */
      let asked: string | undefined;
      const accept = (message?: ClientMessage): void => {
        if (message?.kind === 'request') asked = message.id;
        if (accepted) return;
        accepted = true;
        clearTimeout(client.due);
        // Before the answer: a client that is asked something meanwhile must be able to send it.
        response.writeHead(202, { 'content-type': 'text/plain' }).end('Accepted');
      };
      const sink = new SinkResponse({
        head(_, { 'mcp-session-id': session }) {
          accept();
          if (typeof session !== 'string' || client.session !== undefined) return;
          client.session = session;
          carry(client, { ...client, method: 'GET' });
        },
        message: (data, taken) => send(client, data, taken),
        refused(status, headers, body) {
          if (accepted) return send(client, body);
          response.writeHead(status, headers).end(body);
        },
        faulted(error) {
          report(error);
          // Whoever was told that its message is accepted waits for its answer on the stream.
          if (accepted && asked !== undefined)
            send(client, Buffer.from(refusalBody(refuse('internal-error'), asked)));
          else if (!response.headersSent) answerAlone(request, response, refuse('internal-error'));
        },
        ended() {
          client.sinks.delete(sink);
          if (!response.headersSent) response.destroy();
        },
      });
      client.sinks.add(sink);
      handle(request, sink as unknown as ServerResponse, LISTEN_PATH, besides(connection), accept);
    },
  };
}

/** The connection is free for the client's next message while the server is at work on this one. */
const besides = (connection: Connection): Connection => ({
  occupants: [],
  clientAddress: (forwardedFor) => connection.clientAddress(forwardedFor),
  get ended() {
    return connection.ended;
  },
  set ended(ended) {
    connection.ended = ended;
  },
});

function nothing(): void {}
