import { randomUUID } from 'node:crypto';
import { messageEvent } from '../../sse.ts';
import type { UpstreamCall, UpstreamEvents } from '../upstream-call.ts';
import { STREAM_HEAD } from './calls.ts';

/** What came before the client had begun to listen, which it does a moment after `initialized`. */
interface Early {
  readonly data: Buffer;
  /** Raw JSON of a question's id. */
  readonly question: string | undefined;
  readonly atMs: number;
}

const MAX_EARLY = 32;
const MAX_EARLY_BYTES = 256 * 1024;
const EARLY_MS = 3_000;

/** A session as a client has it, on a process that is its own or one of many sessions'. */
export class LinkSession {
  readonly id = randomUUID();
  /** What the client can be asked, by the names of its capabilities. */
  readonly capabilities: ReadonlySet<string>;
  /** URIs; where the process is shared. */
  readonly subscriptions = new Set<string>();
  /** Index into the levels; where the process is shared. */
  logLevel: number | undefined;
  #listener: UpstreamEvents | undefined;
  #listening = false;
  #early: Early[] | undefined = [];
  #earlyBytes = 0;

  constructor(capabilities: ReadonlySet<string> = new Set()) {
    this.capabilities = capabilities;
  }

  get hasListener(): boolean {
    return this.#listener !== undefined;
  }

  /** The stream of what belongs to no call; another one takes its place. */
  listen(events: UpstreamEvents, flow: Pick<UpstreamCall, 'pause' | 'resume'>): UpstreamCall {
    this.#endListening();
    this.#listener = events;
    setImmediate(() => this.#begin(events));
    return { ...flow, abort: () => this.#forget(events) };
  }

  /** On the stream of what belongs to no call, where there is one. */
  give(data: Buffer): boolean {
    const listener = this.#listener;
    if (!listener) return false;
    this.#begin(listener);
    listener.chunk(messageEvent(data));
    return true;
  }

  /** Until the client listens for the first time. */
  keep(data: Buffer, question?: string): boolean {
    this.#earlyBytes += data.length;
    if (!this.#early || this.#early.length >= MAX_EARLY || this.#earlyBytes > MAX_EARLY_BYTES) return false;
    this.#early.push({ data, question, atMs: performance.now() });
    return true;
  }

  /** @returns ids of questions for which nobody has come */
  sweep(nowMs: number): string[] {
    if (!this.#early || this.#early.length === 0) return [];
    const late = this.#early.filter(({ atMs }) => nowMs - atMs > EARLY_MS);
    this.#early = this.#early.filter(({ atMs }) => nowMs - atMs <= EARLY_MS);
    return late.flatMap(({ question }) => question ?? []);
  }

  close(): void {
    this.#early = undefined;
    this.#endListening();
  }

  #begin(events: UpstreamEvents): void {
    if (this.#listener !== events || this.#listening) return;
    this.#listening = true;
    events.head(STREAM_HEAD);
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const { data } of early) events.chunk(messageEvent(data));
  }

  #forget(events: UpstreamEvents): void {
    if (this.#listener !== events) return;
    this.#listener = undefined;
    this.#listening = false;
  }

  #endListening(): void {
    const events = this.#listener;
    if (!events) return;
    this.#begin(events);
    this.#forget(events);
    events.end();
  }
}
