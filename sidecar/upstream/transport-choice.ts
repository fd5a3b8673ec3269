import type { HttpUpstream, ServerConfig } from '../config.ts';
import { connectMcp, NotConnectedError, type McpConnection } from './connect-mcp.ts';
import type { HttpPool } from './http-pool.ts';
import { UpstreamError } from './upstream-error.ts';

export type Transport = Exclude<ServerConfig['upstream']['transport'], 'auto'>;

/** The way to a server, whichever transport it speaks: a pool of streamable HTTP. */
export interface TransportChoice {
  readonly pool: HttpPool;
  /** An attempt to connect; with transport auto it finds out which one the server speaks. @throws {UpstreamError} */
  connect(): Promise<McpConnection>;
  /** The one in use; undefined until it is known. */
  transport(): Transport | undefined;
  close(): void;
}

/**
 * With transport auto an attempt begins with streamable HTTP, or with what the server spoke last, and goes on with
 * HTTP+SSE where the server does not say that it knows the first. What it then speaks is used until another attempt
 * succeeds. Until the first has, requests wait, as they do for a server that is starting; one that answers and cannot be
 * connected to is taken to speak streamable HTTP when it has had its time to start.
 */
export function createTransportChoice(
  http: HttpPool,
  target: HttpUpstream,
  { starting, faulted }: { starting: () => boolean; faulted?: (error: unknown) => void },
): TransportChoice {
  const { transport: written, path, ssePath = path } = target;
  let channels: HttpPool | undefined;
  let current: Transport | undefined = written === 'auto' ? undefined : written;
  let spokenLast: Transport | undefined;
  let answers = false;

  async function overChannels(): Promise<HttpPool> {
    const [{ createChannelPool }, { sseChannels }] = await Promise.all([
      import('./channel/channel-pool.ts'),
      import('./channel/sse-channel.ts'),
    ]);
    return (channels ??= createChannelPool(sseChannels(http, { ...target, path: ssePath }), {
      ...target,
      faulted,
    }));
  }

  async function connectBy(transport: Transport): Promise<McpConnection> {
    const connection = await connectMcp(transport === 'sse' ? await overChannels() : http);
    current = spokenLast = transport;
    return connection;
  }

  async function connectByEither(): Promise<McpConnection> {
    const first = spokenLast ?? 'streamable-http';
    spokenLast = undefined;
    try {
      return await connectBy(first);
    } catch (error) {
      answers = !(error instanceof UpstreamError && error.fault === 'refused');
      if (first === 'sse' || !mayBeOtherTransport(error)) throw error;
      return await connectBy('sse').catch((second: Error) => {
        throw new UpstreamError(
          `${(error as Error).message} (streamable HTTP at ${path}); ${second.message} (HTTP+SSE at ${ssePath})${isOtherTransport(error) ? PATH_HINT : ''}`,
        );
      });
    }
  }

  async function connectAsWritten(transport: Transport): Promise<McpConnection> {
    try {
      return await connectBy(transport);
    } catch (error) {
      if (transport === 'sse' || !isOtherTransport(error)) throw error;
      throw new UpstreamError(error.message + TRANSPORT_HINT);
    }
  }

  return {
    pool: {
      get oneStream() {
        return current === 'sse';
      },
      send(request, events) {
        if (current === 'sse' && channels) return channels.send(request, events);
        if (current === 'streamable-http' || (answers && !starting())) return http.send(request, events);
        const timer = setImmediate(() => events.fail(new UpstreamError(NOT_KNOWN, 'refused')));
        return { abort: () => clearImmediate(timer), pause: nothing, resume: nothing };
      },
      close: nothing,
    },
    connect: () => (written === 'auto' ? connectByEither() : connectAsWritten(written)),
    transport: () => current,
    close: () => channels?.close(),
  };
}

/**
 * What servers of HTTP+SSE (2024-11-05) say to a POST that is not for one of their sessions (2025-11-25, transports,
 * backwards compatibility), and 200 with a page. Who answers in JSON-RPC speaks streamable HTTP.
 */
export const isOtherTransport = (error: unknown): error is NotConnectedError =>
  error instanceof NotConnectedError &&
  !error.isJsonRpc &&
  (error.status < 300 || [400, 404, 405, 406].includes(error.status));

/**
 * A 403 and a 5xx say nothing of the transport, and servers of HTTP+SSE give them too, to paths that they do not know.
 * So the event stream is asked for, which alone can settle it: only a server of HTTP+SSE names an endpoint there. A
 * want of credentials, an overload and silence would be met there as well.
 */
export const mayBeOtherTransport = (error: unknown): boolean =>
  isOtherTransport(error) ||
  (error instanceof NotConnectedError && !error.isJsonRpc && (error.status === 403 || error.status >= 500));

const NOT_KNOWN = 'it is not known yet which transport the server speaks';
const PATH_HINT = '; the annotation path says where the server is';
const TRANSPORT_HINT =
  '; the annotations path and transport (auto: found out) say where and how the server is reached';

function nothing(): void {}
