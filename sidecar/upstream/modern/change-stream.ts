import { MODERN_VERSION, text } from '../../client-message.ts';
import type { Exchange, Reply, Transit } from '../../exchange.ts';
import { members } from '../../json/members.ts';
import { SseSplitter } from '../../sse.ts';
import { createBackOff } from '../back-off.ts';
import type { HttpPool } from '../http-pool.ts';
import { headerLines, withMeta } from '../mcp-request.ts';
import type { UpstreamCall } from '../upstream-call.ts';
import type { ClientSession } from './client-sessions.ts';
import { legacyNotification } from './to-legacy-answer.ts';

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
const MAX_EVENT_BYTES = 4 * 1024 * 1024;
const MODERN = { era: 'modern', version: MODERN_VERSION } as const;

/** The GET stream of a client of the era of sessions, from `subscriptions/listen`. */
export function streamChanges(
  { pool, session }: { pool: HttpPool; session: ClientSession },
  exchange: Exchange,
  reply: Reply,
): Transit {
  const { principal } = exchange;
  let call: UpstreamCall | undefined;
  let timer: NodeJS.Timeout | undefined;
  const backOff = createBackOff();

  function listen(): void {
    clearTimeout(timer);
    call?.abort();
    const splitter = new SseSplitter();
    let status = 0;
    const notifications = {
      toolsListChanged: true,
      promptsListChanged: true,
      resourcesListChanged: true,
      ...(session.subscriptions.size > 0 ? { resourceSubscriptions: [...session.subscriptions] } : {}),
    };
    const again = (): void => {
      // One that does not have it is not asked again; its client has a stream on which nothing comes.
      if (status >= 400 && status < 500) return;
      timer = setTimeout(listen, backOff.nextMs()).unref();
    };
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: session.id,
      method: 'subscriptions/listen',
      params: withMeta(MODERN, { notifications }),
    });
    call = pool.send(
      {
        method: 'POST',
        headerLines: headerLines(MODERN, 'subscriptions/listen'),
        body: Buffer.from(body),
        listens: true,
        owner: principal.digest,
        process: session.id,
      },
      {
        head: (response) => void (status = response.status),
        chunk(bytes) {
          if (status !== 200) return;
          for (const frame of splitter.push(bytes)) {
            const data = frame.data();
            if (data) tell(data);
          }
          if (splitter.pendingBytes <= MAX_EVENT_BYTES) return;
          call?.abort();
          again();
        },
        end: again,
        fail: again,
      },
    );
  }

  function tell(data: Buffer): void {
    const top = members(data);
    const method = text(data, top.get('method'));
    if (method === ACKNOWLEDGED) backOff.reset();
    if (method === undefined || method === ACKNOWLEDGED || top.has('id')) return;
    stream.write(legacyNotification(data));
  }

  const stream = session.streams.open(exchange, reply, {
    abandoned() {
      clearTimeout(timer);
      call?.abort();
      if (session.changed === listen) session.changed = undefined;
    },
    pause: () => call?.pause(),
    resume: () => call?.resume(),
  });
  // A client that listens anew does not come back for the stream before.
  if (session.listening?.waiting) session.listening.abandon();
  session.listening = stream;
  session.changed = listen;
  listen();
  return {
    abort: () => stream.detach(reply),
    pause: () => call?.pause(),
    resume: () => call?.resume(),
  };
}
