/** The sidecar's own requests to the server: whole answers, parsed, with a limit on time and size. */
import { VERSION } from '../version.ts';
import { SseSplitter } from '../sse.ts';
import type { HttpPool } from './http-pool.ts';
import type { UpstreamRequest } from './upstream-call.ts';
import { UpstreamError } from './upstream-error.ts';
import type { ResponseHead } from './http-response.ts';

/** How to speak to the server, once that is known. */
export interface Dialect {
  readonly era: 'modern' | 'legacy';
  readonly version: string;
  readonly sessionId?: string;
}

export const LEGACY_VERSION = '2025-11-25';
/** Those with sessions, the oldest first. */
export const LEGACY_VERSIONS: readonly string[] = ['2024-11-05', '2025-03-26', '2025-06-18', LEGACY_VERSION];
/** JSON-RPC 2.0, error object. */
export const METHOD_NOT_FOUND = -32601;
export const CLIENT_INFO = { name: 'kubectl-mcp-sidecar', version: VERSION };

export interface RpcAnswer {
  readonly status: number;
  readonly headers: ResponseHead['headers'];
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/** As much as the filter takes of a list on its way to a client. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
let lastId = 0;

interface RpcOptions extends Pick<UpstreamRequest, 'owner' | 'process'> {
  readonly timeoutMs: number;
  readonly notification?: boolean;
}

/**
 * Sends a request, or a notification when `notification` is set.
 * @throws {UpstreamError} when the server cannot be reached, breaks off, or does not answer in time
 */
export function rpc(
  pool: HttpPool,
  dialect: Dialect,
  method: string,
  params: Record<string, unknown>,
  { timeoutMs, notification = false, owner, process }: RpcOptions,
): Promise<RpcAnswer> {
  const id = `kubectl-mcp-${++lastId}`;
  const body = Buffer.from(
    JSON.stringify({
      jsonrpc: '2.0',
      ...(notification ? {} : { id }),
      method,
      params: withMeta(dialect, params),
    }),
  );
  return new Promise((resolve, reject) => {
    let head: ResponseHead | undefined;
    let size = 0;
    const held: Buffer[] = [];
    const splitter = new SseSplitter();
    const timer = setTimeout(
      () => give(new UpstreamError(`${method} was not answered within ${timeoutMs} ms`)),
      timeoutMs,
    );
    const call = pool.send(
      {
        method: 'POST',
        headerLines: headerLines(dialect, method),
        body,
        ...(owner === undefined ? {} : { owner }),
        ...(process === undefined ? {} : { process }),
      },
      {
        head: (given) => void (head = given),
        chunk(bytes) {
          size += bytes.length;
          if (size > MAX_ANSWER_BYTES)
            return give(new UpstreamError(`the answer to ${method} is over ${MAX_ANSWER_BYTES} bytes`));
          if (!isEventStream(head)) return void held.push(bytes);
          for (const frame of splitter.push(bytes)) {
            const message = parseMessage(frame.data());
            if (message?.id === id) return give(message);
          }
        },
        end() {
          const message = parseMessage(Buffer.concat(held)) ?? {};
          if (message.result !== undefined && message.id !== id)
            return give(new UpstreamError(`the answer to ${method} has the id of another request`));
          give(message);
        },
        fail: (error) => give(error),
      },
    );

    let given = false;
    function give(outcome: UpstreamError | ParsedMessage): void {
      if (given) return;
      given = true;
      clearTimeout(timer);
      if (outcome instanceof UpstreamError || !head) {
        call.abort();
        return reject(
          outcome instanceof UpstreamError ? outcome : new UpstreamError(`${method} was not answered`),
        );
      }
      // An event stream may go on after the answer; we have what we asked for.
      if (isEventStream(head)) call.abort();
      resolve({
        status: head.status,
        headers: head.headers,
        ...(outcome.result ? { result: outcome.result } : {}),
        ...(typeof outcome.error?.code === 'number' ? { error: outcome.error } : {}),
      });
    }
  });
}

export function headerLines({ era, version, sessionId }: Dialect, method?: string): string {
  const lines = [
    ...(method ? ['Content-Type: application/json'] : []),
    `Accept: ${method ? 'application/json, text/event-stream' : 'text/event-stream'}`,
    ...(method === 'initialize' ? [] : [`Mcp-Protocol-Version: ${version}`]),
    ...(era === 'modern' && method ? [`Mcp-Method: ${method}`] : []),
    ...(sessionId === undefined ? [] : [`Mcp-Session-Id: ${sessionId}`]),
  ];
  return lines.map((line) => `${line}\r\n`).join('');
}

export function withMeta(
  { era, version }: Dialect,
  params: Record<string, unknown>,
): Record<string, unknown> {
  if (era === 'legacy') return params;
  return {
    ...params,
    _meta: {
      'io.modelcontextprotocol/protocolVersion': version,
      'io.modelcontextprotocol/clientCapabilities': {},
      'io.modelcontextprotocol/clientInfo': CLIENT_INFO,
    },
  };
}

interface ParsedMessage {
  id?: unknown;
  method?: string;
  result?: Record<string, unknown>;
  error?: { code: number; message: string; data?: unknown };
}

export function parseMessage(data: Buffer | undefined): ParsedMessage | undefined {
  try {
    const value: unknown = data && JSON.parse(data.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as ParsedMessage) : undefined;
  } catch {
    return undefined;
  }
}

const isEventStream = (head: ResponseHead | undefined): boolean =>
  head?.headers.get('content-type')?.toLowerCase().startsWith('text/event-stream') ?? false;
