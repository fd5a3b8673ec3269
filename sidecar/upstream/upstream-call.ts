import type { Socket } from 'node:net';
import type { ClientMessage } from '../client-message.ts';
import type { ResponseEvents, ResponseHead, ResponseReader } from './http-response.ts';
import { internal } from './guarded-events.ts';
import type { Caller } from './token/caller.ts';
import { UpstreamError, type UpstreamFault } from './upstream-error.ts';

export interface UpstreamRequest {
  readonly method: 'POST' | 'GET' | 'DELETE';
  /** Header lines beyond Host, Content-Length and Connection, each ended by CRLF. */
  readonly headerLines: string;
  /** Lines of the caller's own, which its server has asked for. */
  readonly forwarded?: string | undefined;
  readonly body?: Buffer;
  /** What the body says, where it has been read. */
  readonly message?: ClientMessage;
  /** Whose process of the server's it is for, where it is not the owner's: a name. */
  readonly process?: string;
  /** In place of the target's. */
  readonly path?: string;
  /**
   * On whose behalf. A connection is one caller's as long as it lasts: where a server answers twice, the second answer
   * may meet the next request, which must not be another caller's.
   */
  readonly owner?: string;
  /** What the caller has brought for the server's credential, where it gets the caller's own. */
  readonly caller?: Caller | undefined;
  /** The answer is a stream that only listens: it may be silent for ever. */
  readonly listens?: boolean;
  /** May be done twice as well as once: sent again when a kept connection has died under it. */
  readonly repeatable?: boolean;
}

export interface UpstreamEvents {
  head(head: ResponseHead): void;
  chunk(bytes: Buffer): void;
  end(): void;
  /** Nothing more comes. */
  fail(error: UpstreamError): void;
}

/** A request under way. */
export interface UpstreamCall {
  /** Ends the connection; the server sees its client go. No event follows. */
  abort(): void;
  pause(): void;
  resume(): void;
}

/** A connection to the server, and the call that has it. */
export interface Connection {
  readonly socket: Socket;
  readonly owner: string | undefined;
  reader: ResponseReader | undefined;
  call: PooledCall | undefined;
  /** Time of the sweep before. */
  idleSinceMs: number;
  /** By the pool's clock: when a byte came, or was asked for. */
  aliveMs: number;
  reused: boolean;
}

/** What the pool does for its calls. */
export interface Pool {
  heard(head: ResponseHead): void;
  /** The answer is over. */
  release(connection: Connection, reusable: boolean): void;
  /** Ends the call's connection, or the dialling for one. */
  cut(call: PooledCall): void;
  resumed(connection: Connection): void;
  /** Whoever takes the answer has thrown. */
  faulted(error: unknown): void;
}

/** A request, from whoever sends it to the connection that it has; events end with `end`, `fail` or an abort. */
export class PooledCall implements UpstreamCall, ResponseEvents {
  readonly request: UpstreamRequest;
  readonly authorization: string | undefined;
  readonly #events: UpstreamEvents;
  readonly #pool: Pool;
  connection: Connection | undefined;
  cancelDial: (() => void) | undefined;
  paused = false;
  #over = false;

  constructor(request: UpstreamRequest, events: UpstreamEvents, pool: Pool, authorization?: string) {
    this.request = request;
    this.authorization = authorization;
    this.#events = events;
    this.#pool = pool;
  }

  head(head: ResponseHead): void {
    this.#pool.heard(head);
    if (this.#over) return;
    try {
      this.#events.head(head);
    } catch (error) {
      this.#faulted(error);
    }
  }

  chunk(bytes: Buffer): void {
    if (this.#over) return;
    try {
      this.#events.chunk(bytes);
    } catch (error) {
      this.#faulted(error);
    }
  }

  end(reusable: boolean): void {
    const { connection } = this;
    this.connection = undefined;
    if (connection) this.#pool.release(connection, reusable);
    if (this.#over) return;
    this.#over = true;
    try {
      this.#events.end();
    } catch (error) {
      this.#faulted(error);
    }
  }

  fail(error: UpstreamError): void {
    if (this.#over) return;
    this.#over = true;
    this.#pool.cut(this);
    this.#fail(error);
  }

  /** Not before its sender has it. */
  failLater(message: string, fault: UpstreamFault): this {
    setImmediate(() => this.fail(new UpstreamError(message, fault)));
    return this;
  }

  /** The connection is others' too: what is wrong with this call ends nothing but this call. */
  #faulted(error: unknown): void {
    this.#over = true;
    this.#pool.cut(this);
    this.#pool.faulted(error);
    this.#fail(internal());
  }

  #fail(error: UpstreamError): void {
    try {
      this.#events.fail(error);
    } catch (fault) {
      this.#pool.faulted(fault);
    }
  }

  abort(): void {
    this.#over = true;
    this.#pool.cut(this);
  }

  pause(): void {
    this.paused = true;
    this.connection?.socket.pause();
  }

  resume(): void {
    this.paused = false;
    if (!this.connection) return;
    this.#pool.resumed(this.connection);
    this.connection.socket.resume();
  }
}
