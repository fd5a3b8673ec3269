import type { HttpPool } from './http-pool.ts';
import { SseSplitter } from '../sse.ts';
import type { UpstreamRequest } from './upstream-call.ts';
import { headerLines, parseMessage, withMeta, type Dialect } from './mcp-request.ts';

export interface ChangeWatch {
  close(): void;
}

export interface ChangeEvents {
  /** From now on changes are told. */
  opened(): void;
  toolsChanged(): void;
  /** `supported` is false when the server has no such stream, so that opening it again is of no use. */
  ended(supported: boolean): void;
}

/** News are short; an event without an end must not be kept. */
const MAX_EVENT_BYTES = 64 * 1024;

/** Listens for `notifications/tools/list_changed`: the GET stream of a session, or `subscriptions/listen`. */
export function watchChanges(pool: HttpPool, dialect: Dialect, events: ChangeEvents): ChangeWatch {
  const splitter = new SseSplitter();
  let streaming = false;
  const listen = {
    jsonrpc: '2.0',
    id: 'kubectl-mcp-listen',
    method: 'subscriptions/listen',
    params: withMeta(dialect, { notifications: { toolsListChanged: true } }),
  };
  const request: UpstreamRequest =
    dialect.era === 'modern'
      ? {
          listens: true,
          method: 'POST',
          headerLines: headerLines(dialect, 'subscriptions/listen'),
          body: Buffer.from(JSON.stringify(listen)),
        }
      : { method: 'GET', headerLines: headerLines(dialect), listens: true };
  const call = pool.send(request, {
    head: ({ status, headers }) => {
      streaming = status === 200 && (headers.get('content-type')?.startsWith('text/event-stream') ?? false);
      if (streaming) events.opened();
    },
    chunk: (bytes) => {
      if (!streaming) return;
      for (const frame of splitter.push(bytes)) {
        if (parseMessage(frame.data())?.method === 'notifications/tools/list_changed') events.toolsChanged();
      }
      if (splitter.pendingBytes <= MAX_EVENT_BYTES) return;
      call.abort();
      events.ended(true);
    },
    end: () => events.ended(streaming),
    fail: () => events.ended(streaming),
  });
  return { close: () => call.abort() };
}
