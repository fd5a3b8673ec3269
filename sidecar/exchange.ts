/**
 * What travels between the three rooms, downstream, policy and upstream: one request in; notifications, requests of
 * the server's and one result out; the raw bytes kept on both sides.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { ClientMessage } from './client-message.ts';
import type { ServerConfig } from './config.ts';
import type { Principal } from './principal.ts';
import type { Outcome, Refusal } from './reasons.ts';
import type { Session } from './sessions.ts';

export interface RequestHead {
  readonly method: 'POST' | 'GET' | 'DELETE';
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly remoteAddress: string;
  /** Stands for the client's connection: equal for requests that came on the same one. */
  readonly connection: object;
}

/** One request of a client's and all that becomes known of it on the way. */
export interface Exchange {
  readonly id: string;
  readonly server: ServerConfig;
  readonly head: RequestHead;
  /** From `performance.now()`. */
  readonly startedAtMs: number;
  principal: Principal;
  /** Where another speaks for the principal: whether it has said so of this body. Asked once. */
  judgeBody?: (body: Buffer) => Refusal | undefined;
  /** Of the era of sessions, when the client names one that is its own. */
  session?: Session;
  /** Absent on GET and DELETE, and while the body has not been read. */
  message?: ClientMessage;
  /** What the caller calls the tool, where that is not its own name (overrides). */
  called?: string;
  /** Of a request about a task: the tool that made it. */
  tool?: string;
  /** The server's own id of the task that the call has made. */
  task?: string;
  /** What decided: an annotation (`deny-tools`, `mode`), a step (`auth`, `session`, `origin`), or `default`. */
  rule: string;
  /** Of a call that all else lets through: the scopes that its token would need. */
  needsScopes?: readonly string[];
  /** Of one that all else lets through: what its arguments are refused with. */
  forbidden?: Refusal;
  /** Revision of the policy file that was in force, where there is one. */
  policy?: string;
  status: number;
  outcome: Outcome;
  /** Of the JSON-RPC error in the answer, the sidecar's own or the server's. */
  error?: { readonly code: number; readonly message: string };
}

export interface ReplyHead {
  readonly status: number;
  readonly contentType: 'json' | 'sse' | 'other' | 'none';
  /** What goes to the client; names in lower case. */
  readonly headers: Record<string, string>;
  /** Absent when the length is not known, or will change. */
  readonly contentLength?: number;
}

/**
 * Takes the answer to an exchange: `head` once, `chunk` any number of times, then `end`; or `fail` at any time, last.
 * Bytes arrive in the framing that the head's content type names. Passes stand in front of one another's.
 */
export interface Reply {
  head(head: ReplyHead): void;
  chunk(bytes: Buffer): void;
  end(): void;
  fail(refusal: Refusal): void;
}

/** An exchange on its way to the server. */
export interface Transit {
  abort(): void;
  pause(): void;
  resume(): void;
}

/** The room that speaks to the server. */
export interface Upstream {
  send(exchange: Exchange, reply: Reply): Transit;
}

export type { Outcome, Refusal, Session };
