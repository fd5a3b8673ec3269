/**
 * Keep-alive HTTP/1.1 to one server, mostly in the same pod: one exchange at a time per connection and never pipelined. Nothing
 * waits for a connection: there are as many as there are exchanges, whose number is bounded where clients come in.
 */
import { connect } from 'node:net';
import { dial } from './dial.ts';
import type { HttpPoolTarget } from './place.ts';
import { ResponseReader } from './http-response.ts';
import type { ProcessRules } from './process-rules.ts';
import { PooledCall } from './upstream-call.ts';
import type { Connection, Pool, UpstreamCall, UpstreamEvents, UpstreamRequest } from './upstream-call.ts';
import { UpstreamError } from './upstream-error.ts';

export interface HttpPool {
  /** What the server asks comes on a stream that all calls of a session share: nobody can say for which of them. */
  readonly oneStream?: boolean;
  /** The server is reached by processes of its own, which cost more than connections. */
  readonly processes?: ProcessRules;
  /** @param authorization the credential that it goes with, where it is given one on the way: the header's value */
  send(request: UpstreamRequest, events: UpstreamEvents, authorization?: string): UpstreamCall;
  close(): void;
}

/**
 * A connection that is idle for longer, by up to a sweep, is not used again. A request that meets the server's closing
 * is lost, and gunicorn closes after two seconds, Node and uvicorn after five; a new connection costs a tenth of a
 * millisecond here.
 */
const IDLE_MS = 1_000;
const SWEEP_MS = 500;
const REQUEST_TIMEOUT_MS = 120_000;
const ONE_WRITE_BYTES = 16 * 1024;
const READ_BUFFER_BYTES = 64 * 1024;

export function createHttpPool(target: HttpPoolTarget): HttpPool {
  const { port, path, requestTimeoutMs: limitMs = REQUEST_TIMEOUT_MS, addedHeaders = () => '' } = target;
  const addresses = [...target.addresses];
  const idle: Connection[] = [];
  const open = new Set<Connection>();
  const dialling = new Set<PooledCall>();
  const readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  const version = ` HTTP/1.1\r\nHost: ${target.authority ?? `localhost:${port}`}\r\n`;
  const origin = ` ${target.origin ?? ''}`;
  const prefix = `${origin}${path}${version}`;
  const sweepMs = Math.min(SWEEP_MS, limitMs / 4);
  let idleMs = IDLE_MS;
  let keepAlive = '';
  let closed = false;
  // Goes on in the sweep alone, so that a byte costs no look at the time, and by two sweeps at most: time in which this
  // process did not run is no silence of the server's.
  let clockMs = 0;
  let sweptMs = performance.now();
  const sweeper = setInterval(sweep, sweepMs).unref();

  function sweep(): void {
    const nowMs = performance.now();
    clockMs += Math.min(nowMs - sweptMs, 2 * sweepMs);
    sweptMs = nowMs;
    while (idle[0] && nowMs - idle[0].idleSinceMs > idleMs) drop(idle[0]);
    for (const connection of open) {
      const { call } = connection;
      if (!call) continue;
      // It may end to be one that only listens: the server's time begins then.
      if (call.request.listens && !call.paused) connection.aliveMs = clockMs;
      if (clockMs - connection.aliveMs < limitMs + sweepMs) continue;
      const limit = `for ${limitMs / 1000} s`;
      if (call.paused) call.fail(new UpstreamError(`the client took nothing ${limit}`, 'stalled'));
      else call.fail(new UpstreamError(`no byte came ${limit}`, 'timeout'));
    }
  }

  const pool: Pool = {
    heard({ headers }) {
      const given = headers.get('keep-alive');
      if (given === undefined || given === keepAlive) return;
      keepAlive = given;
      const seconds = /(?:^|[\s,;])timeout\s*=\s*"?(\d{1,6})/i.exec(given)?.[1];
      // Less than that, for the server's clock began before ours, which counts in sweeps.
      idleMs = seconds === undefined ? IDLE_MS : Math.min(IDLE_MS, Number(seconds) * 500 - SWEEP_MS / 2);
    },
    release(connection, reusable) {
      connection.call = undefined;
      connection.reader = undefined;
      const { socket } = connection;
      // A server that answers before it has read the whole request may go on reading, or not.
      if (!reusable || socket.destroyed || socket.writableLength > 0 || idleMs < 0) return drop(connection);
      connection.idleSinceMs = sweptMs;
      connection.reused = true;
      socket.resume();
      idle.push(connection);
    },
    cut(call) {
      if (call.connection) drop(call.connection);
      call.cancelDial?.();
      call.cancelDial = undefined;
      dialling.delete(call);
    },
    resumed: (connection) => void (connection.aliveMs = clockMs),
    faulted: (error) => target.faulted?.(error),
  };

  /** The one that the caller has used last, unless the server may have closed it by now. */
  function kept(owner: string | undefined): Connection | undefined {
    for (let index = idle.length - 1; index >= 0; index--) {
      const connection = idle[index]!;
      if (connection.owner !== owner) continue;
      if (sweptMs - connection.idleSinceMs > idleMs) return undefined;
      if (index === idle.length - 1) idle.pop();
      else idle.splice(index, 1);
      return connection;
    }
    return undefined;
  }

  function dialFor(call: PooledCall): void {
    dialling.add(call);
    const connectFor = (host: string): Connection => connectTo(host, call.request.owner);
    call.cancelDial = dial([...addresses], connectFor, (outcome) => {
      dialling.delete(call);
      call.cancelDial = undefined;
      if ('error' in outcome) {
        return call.fail(new UpstreamError(`${outcome.error} on port ${port}`, 'refused'));
      }
      const { opened, host } = outcome;
      if (addresses[0] !== host) addresses.unshift(...addresses.splice(addresses.indexOf(host), 1));
      adopt(opened);
      start(opened, call);
    });
  }

  function connectTo(host: string, owner: string | undefined): Connection {
    const onread = {
      buffer: readBuffer,
      // The buffer is every connection's: what outlives this call is a copy.
      callback: (length: number): boolean => {
        receive(connection, Buffer.from(readBuffer.subarray(0, length)));
        return true;
      },
    };
    const socket = (target.open ?? connect)({ host, port, noDelay: true, onread });
    const connection: Connection = {
      socket,
      owner,
      reader: undefined,
      call: undefined,
      idleSinceMs: 0,
      aliveMs: clockMs,
      reused: false,
    };
    return connection;
  }

  function receive(connection: Connection, bytes: Buffer): void {
    // Bytes that no request asked for: the connection cannot be trusted with the next one.
    if (!connection.reader) return drop(connection);
    connection.aliveMs = clockMs;
    try {
      connection.reader.push(bytes);
    } catch (error) {
      broken(connection, (error as Error).message);
    }
  }

  function adopt(connection: Connection): void {
    const { socket } = connection;
    open.add(connection);
    socket.on('error', (error: Error) => lost(connection, error.message));
    socket.on('end', () => {
      try {
        connection.reader?.eof();
        drop(connection);
      } catch (error) {
        lost(connection, (error as Error).message);
      }
    });
    socket.on('close', () => lost(connection, 'the connection was closed'));
  }

  function start(connection: Connection, call: PooledCall): void {
    const { socket } = connection;
    connection.call = call;
    connection.aliveMs = clockMs;
    connection.reader = new ResponseReader(call);
    call.connection = connection;
    const { method, headerLines, forwarded = '', body, path: other } = call.request;
    const length = body ? `Content-Length: ${body.length}\r\n` : '';
    const line = other === undefined ? `${method}${prefix}` : `${method}${origin}${other}${version}`;
    const credential = call.authorization ? `Authorization: ${call.authorization}\r\n` : '';
    const head = `${line}${addedHeaders()}${credential}${headerLines}${forwarded}${length}\r\n`;
    if (!body) socket.write(head, 'latin1');
    else if (body.length <= ONE_WRITE_BYTES) socket.write(head + body.toString('latin1'), 'latin1');
    else {
      socket.cork();
      socket.write(head, 'latin1');
      socket.write(body);
      socket.uncork();
    }
  }

  /** The connection is gone. Where nobody had used it for a while, it may have gone before the request was there. */
  function lost(connection: Connection, message: string): void {
    const { call, reader, reused } = connection;
    if (!call || !reused || !call.request.repeatable || reader?.started) return broken(connection, message);
    drop(connection);
    dialFor(call);
  }

  function broken(connection: Connection, message: string): void {
    const { call } = connection;
    drop(connection);
    call?.fail(new UpstreamError(message));
  }

  function drop(connection: Connection): void {
    if (connection.call) connection.call.connection = undefined;
    connection.call = undefined;
    connection.reader = undefined;
    const index = idle.indexOf(connection);
    if (index >= 0) idle.splice(index, 1);
    open.delete(connection);
    connection.socket.destroy();
  }

  return {
    send(request, events, authorization) {
      const call = new PooledCall(request, events, pool, authorization);
      if (closed) return call.failLater('closed', 'broken');
      if (addedHeaders() === undefined)
        return call.failLater('headers for the server are missing', 'unready');
      const connection = kept(request.owner);
      if (connection) start(connection, call);
      else dialFor(call);
      return call;
    },
    close() {
      closed = true;
      clearInterval(sweeper);
      for (const call of dialling) call.fail(new UpstreamError('closed'));
      for (const connection of open) broken(connection, 'closed');
    },
  };
}
