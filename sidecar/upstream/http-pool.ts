/**
 * Keep-alive HTTP/1.1 to one server in the same pod: one exchange at a time per connection, never pipelined, and no
 * request is sent twice.
 */
import { connect, type Socket } from 'node:net';
import { ResponseReader, type ResponseEvents, type ResponseHead } from './http-response.ts';

export interface UpstreamRequest {
  readonly method: 'POST' | 'GET' | 'DELETE';
  /** Header lines beyond Host, Content-Length and Connection, each ended by CRLF. */
  readonly headerLines: string;
  readonly body?: Buffer;
}

export interface UpstreamEvents {
  head(head: ResponseHead): void;
  chunk(bytes: Buffer): void;
  end(): void;
  /** Nothing more comes. `refused`: no address took the connection, so the request never left. */
  fail(error: UpstreamError): void;
}

/** A request under way. */
export interface UpstreamCall {
  /** Ends the connection; the server sees its client go. No event follows. */
  abort(): void;
  pause(): void;
  resume(): void;
}

export class UpstreamError extends Error {
  readonly refused: boolean;
  constructor(message: string, refused: boolean) {
    super(message);
    this.name = 'UpstreamError';
    this.refused = refused;
  }
}

export interface HttpPool {
  send(request: UpstreamRequest, events: UpstreamEvents): UpstreamCall;
  close(): void;
}

/** Shorter than the keep-alive of any server in use (Node and uvicorn: 5 s), so that no call meets a closing connection. */
const IDLE_MS = 3_000;
const CONNECT_TIMEOUT_MS = 5_000;
const ONE_WRITE_BYTES = 16 * 1024;
const READ_BUFFER_BYTES = 64 * 1024;

interface Connection {
  readonly socket: Socket;
  reader: ResponseReader | undefined;
  events: UpstreamEvents | undefined;
  idleSinceMs: number;
}

/** `addresses` are tried in this order when connecting; the one that answered last is tried first. */
export function createHttpPool(target: {
  addresses: readonly string[];
  port: number;
  path: string;
}): HttpPool {
  const addresses = [...target.addresses];
  const idle: Connection[] = [];
  const open = new Set<Connection>();
  const readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  const prefix = ` ${target.path} HTTP/1.1\r\nHost: localhost:${target.port}\r\n`;
  const sweep = setInterval(() => {
    const oldest = Date.now() - IDLE_MS;
    while (idle[0] && idle[0].idleSinceMs < oldest) idle.shift()?.socket.destroy();
  }, 1_000).unref();

  function send(request: UpstreamRequest, events: UpstreamEvents): UpstreamCall {
    let connection = idle.pop();
    let aborted = false;
    let paused = false;
    if (connection) start(connection, request, events);
    else
      dial(0, (error, dialled) => {
        if (aborted) return dialled && drop(dialled);
        if (!dialled) return events.fail(new UpstreamError(error ?? 'no address', true));
        connection = dialled;
        start(dialled, request, events);
        if (paused) dialled.socket.pause();
      });
    /** A connection that has gone on to another request is not ours any more. */
    const held = (): Connection | undefined => (connection?.events === events ? connection : undefined);
    return {
      abort: () => {
        aborted = true;
        const mine = held();
        if (mine) drop(mine);
      },
      pause: () => {
        paused = true;
        held()?.socket.pause();
      },
      resume: () => {
        paused = false;
        held()?.socket.resume();
      },
    };
  }

  function dial(index: number, done: (error: string | undefined, connection?: Connection) => void): void {
    const host = addresses[index];
    if (host === undefined) return done(`nothing listens on port ${target.port}`);
    const onread = {
      buffer: readBuffer,
      // The buffer is every connection's: what outlives this call is a copy.
      callback: (length: number): boolean => {
        receive(connection, Buffer.from(readBuffer.subarray(0, length)));
        return true;
      },
    };
    const socket = connect({ host, port: target.port, noDelay: true, onread });
    const connection: Connection = { socket, reader: undefined, events: undefined, idleSinceMs: 0 };
    const timer = setTimeout(() => socket.destroy(new Error('timeout')), CONNECT_TIMEOUT_MS);
    socket.once('error', () => {
      clearTimeout(timer);
      dial(index + 1, done);
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.removeAllListeners('error');
      if (index > 0) addresses.unshift(...addresses.splice(index, 1));
      adopt(connection);
      done(undefined, connection);
    });
  }

  function receive(connection: Connection, bytes: Buffer): void {
    // Bytes that no request asked for: the connection cannot be trusted with the next one.
    if (!connection.reader) return drop(connection);
    try {
      connection.reader.push(bytes);
    } catch (error) {
      fail(connection, (error as Error).message);
    }
  }

  function adopt(connection: Connection): void {
    const { socket } = connection;
    open.add(connection);
    socket.on('error', (error: Error) => fail(connection, error.message));
    socket.on('end', () => {
      try {
        connection.reader?.eof();
        drop(connection);
      } catch (error) {
        fail(connection, (error as Error).message);
      }
    });
    socket.on('close', () => fail(connection, 'the connection was closed'));
  }

  function start(connection: Connection, request: UpstreamRequest, events: UpstreamEvents): void {
    connection.events = events;
    const responseEvents: ResponseEvents = {
      head: (head) => events.head(head),
      chunk: (bytes) => events.chunk(bytes),
      end: (reusable) => {
        connection.events = undefined;
        connection.reader = undefined;
        if (reusable && !connection.socket.destroyed) {
          connection.idleSinceMs = Date.now();
          connection.socket.resume();
          idle.push(connection);
        } else drop(connection);
        events.end();
      },
    };
    connection.reader = new ResponseReader(responseEvents);
    const { method, headerLines, body } = request;
    const head = `${method}${prefix}${headerLines}${body ? `Content-Length: ${body.length}\r\n` : ''}\r\n`;
    if (!body) connection.socket.write(head, 'latin1');
    else if (body.length <= ONE_WRITE_BYTES)
      connection.socket.write(head + body.toString('latin1'), 'latin1');
    else {
      connection.socket.cork();
      connection.socket.write(head, 'latin1');
      connection.socket.write(body);
      connection.socket.uncork();
    }
  }

  function fail(connection: Connection, message: string): void {
    const { events } = connection;
    drop(connection);
    events?.fail(new UpstreamError(message, false));
  }

  function drop(connection: Connection): void {
    connection.events = undefined;
    connection.reader = undefined;
    const index = idle.indexOf(connection);
    if (index >= 0) idle.splice(index, 1);
    open.delete(connection);
    connection.socket.destroy();
  }

  return {
    send,
    close: () => {
      clearInterval(sweep);
      for (const connection of open) fail(connection, 'closed');
    },
  };
}
