/** HTTP+SSE (2024-11-05, transports): an event stream from the server, and a POST for each message to it. */
import { isIPv6 } from 'node:net';
import { SseSplitter, type SseFrame } from '../../sse.ts';
import type { HttpUpstream } from '../../config.ts';
import type { HttpPool } from '../http-pool.ts';
import { UpstreamError } from '../upstream-error.ts';
import type { Channel, OpenChannel } from './channel.ts';

const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const OPEN_TIMEOUT_MS = 10_000;
const GET_HEADERS = 'Accept: text/event-stream\r\n';
const POST_HEADERS = 'Content-Type: application/json\r\nAccept: application/json\r\n';

/** @param path of the server's event stream */
export function sseChannels(pool: HttpPool, target: Target): OpenChannel {
  const { path } = target;
  return ({ owner, forwarded, caller }, events) =>
    new Promise((resolve, reject) => {
      const splitter = new SseSplitter();
      let endpoint: string | undefined;
      let over = false;
      const timer = setTimeout(
        () => fail(new UpstreamError('the server named no endpoint', 'timeout')),
        OPEN_TIMEOUT_MS,
      );

      function fail(error: Error): void {
        if (over) return;
        over = true;
        clearTimeout(timer);
        stream.abort();
        if (endpoint === undefined) reject(error);
        else events.closed(error);
      }

      function frame(each: SseFrame): void {
        const data = each.data();
        if (!data) return;
        const type = /^event:[ ]?(.*)$/m.exec(each.raw.toString('latin1'))?.[1]?.trim() ?? 'message';
        if (type === 'message' && endpoint !== undefined) return events.message(data);
        if (type !== 'endpoint' || endpoint !== undefined) return;
        endpoint = endpointOf(data.toString('utf8'), target);
        if (endpoint === undefined)
          return fail(new UpstreamError('the endpoint that the server names is not its own'));
        clearTimeout(timer);
        resolve(channel(endpoint));
      }

      const stream = pool.send(
        {
          method: 'GET',
          headerLines: GET_HEADERS,
          forwarded,
          caller,
          path,
          listens: true,
          ...(owner === undefined ? {} : { owner }),
        },
        {
          head({ status, headers }) {
            const type = headers.get('content-type')?.toLowerCase() ?? '';
            if (status !== 200 || !type.startsWith('text/event-stream'))
              fail(
                new UpstreamError(
                  `GET ${path} was answered ${[status, type].join(' ').trim()}: no event stream`,
                ),
              );
          },
          chunk(bytes) {
            for (const each of splitter.push(bytes)) if (!over) frame(each);
            if (splitter.pendingBytes > MAX_MESSAGE_BYTES)
              fail(new UpstreamError(`a message over ${MAX_MESSAGE_BYTES} bytes`));
          },
          end: () => fail(new UpstreamError('the event stream ended')),
          fail,
        },
      );

      const channel = (to: string): Channel => ({
        send(message, failed, from) {
          let status = 0;
          pool.send(
            {
              method: 'POST',
              path: to,
              headerLines: POST_HEADERS,
              forwarded: from?.forwarded,
              caller: from?.caller,
              body: message,
              ...(owner === undefined ? {} : { owner }),
            },
            {
              head: (response) => void (status = response.status),
              chunk: () => undefined,
              end() {
                if (status >= 300) failed(new UpstreamError(`the message was answered ${status}`));
              },
              fail: failed,
            },
          );
        },
        pause: () => stream.pause(),
        resume: () => stream.resume(),
        close() {
          over = true;
          stream.abort();
        },
      });
    });
}

/** The path of the same server that messages go to; a server must not send us, and what we know, elsewhere. */
function endpointOf(given: string, { host = 'localhost', port, path, tls }: Target): string | undefined {
  const name = isIPv6(host) ? `[${host}]` : host;
  const own = new URL(path, `${tls ? 'https' : 'http'}://${name}:${port}`);
  const found = URL.parse(given.trim(), own);
  if (found?.protocol !== own.protocol || found.port !== own.port) return undefined;
  // What a server on this machine calls itself: the message goes where the stream came from, whatever it says.
  if (found.hostname !== own.hostname && !isOwnHost(found.hostname)) return undefined;
  return found.pathname + found.search;
}

type Target = Pick<HttpUpstream, 'host' | 'port' | 'path' | 'tls'>;

const isOwnHost = (host: string): boolean => ['localhost', '127.0.0.1', '[::1]', '0.0.0.0'].includes(host);
