import { SseSplitter } from '../../sse.ts';
import { createBackOff } from '../back-off.ts';
import type { HttpPool } from '../http-pool.ts';
import { headerLines, type Dialect } from '../mcp-request.ts';
import type { UpstreamCall } from '../upstream-call.ts';

export interface SessionStream {
  /** From now on the server is listened to, for as long as the session lasts. */
  open(): void;
  /** Resolves when the server has answered to that, or says nothing until there is something to say. */
  readonly opened: Promise<void>;
  /** Calls `listener` with every message; the returned function ends that. */
  listen(listener: (message: Buffer) => void): () => void;
  close(): void;
}

const MAX_EVENT_BYTES = 4 * 1024 * 1024;
const ANSWER_MS = 1_000;
/** A stream that lasted this long ended for a reason of its own. */
const LONG_MS = 5_000;

/** The GET stream of a session (2025-11-25, transports); a server that has none answers 405 and is left in peace. */
export function createSessionStream(pool: HttpPool, dialect: Dialect, owner: string): SessionStream {
  const listeners = new Set<(message: Buffer) => void>();
  let call: UpstreamCall | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const backOff = createBackOff();
  const { promise: opened, resolve: answered } = Promise.withResolvers<void>();

  function start(): void {
    let splitter: SseSplitter | undefined;
    const startedAtMs = performance.now();
    const again = (): void => {
      answered();
      if (closed || !splitter) return;
      if (performance.now() - startedAtMs > LONG_MS) backOff.reset();
      timer = setTimeout(start, backOff.nextMs()).unref();
    };
    call = pool.send(
      { method: 'GET', headerLines: headerLines(dialect), listens: true, owner },
      {
        head({ status, headers }) {
          const type = headers.get('content-type')?.toLowerCase() ?? '';
          if (status === 200 && type.startsWith('text/event-stream')) splitter = new SseSplitter();
          answered();
        },
        chunk(bytes) {
          for (const frame of splitter?.push(bytes) ?? []) {
            const data = frame.data();
            if (data) for (const listener of listeners) listener(data);
          }
          if ((splitter?.pendingBytes ?? 0) <= MAX_EVENT_BYTES) return;
          call?.abort();
          again();
        },
        end: again,
        fail: again,
      },
    );
  }

  return {
    open() {
      if (call || closed) return;
      start();
      setTimeout(answered, ANSWER_MS).unref();
    },
    opened,
    listen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close() {
      closed = true;
      clearTimeout(timer);
      call?.abort();
      answered();
    },
  };
}
