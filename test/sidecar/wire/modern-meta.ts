/** Requests as a client of 2026-07-28 writes them. */
import { post, type Sent } from './post.ts';

const PREFIX = 'io.modelcontextprotocol/';

export interface ModernOptions {
  readonly id?: unknown;
  readonly capabilities?: object;
  readonly meta?: object;
  readonly headers?: Record<string, string>;
}

export interface ModernAnswer extends Sent {
  /** Every JSON-RPC message of the answer. */
  readonly messages: ModernMessage[];
  readonly last: ModernMessage;
}

// oxlint-disable-next-line typescript/no-explicit-any -- messages are compared as a whole or in a field
export type ModernMessage = any;

export function modernRequest(
  method: string,
  params: Record<string, unknown>,
  { id = 1, capabilities = {}, meta = {} }: ModernOptions = {},
) {
  return {
    jsonrpc: '2.0',
    id,
    method,
    params: {
      ...params,
      _meta: {
        [`${PREFIX}protocolVersion`]: '2026-07-28',
        [`${PREFIX}clientCapabilities`]: capabilities,
        [`${PREFIX}clientInfo`]: { name: 'modern', version: '1' },
        ...meta,
      },
    },
  };
}

export function modernHeaders(method: string, params: Record<string, unknown>): Record<string, string> {
  const name = method === 'resources/read' ? params['uri'] : params['name'];
  return {
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
  };
}

export async function postModern(
  url: string,
  method: string,
  params: Record<string, unknown> = {},
  options: ModernOptions = {},
): Promise<ModernAnswer> {
  const sent = await post(url, modernRequest(method, params, options), {
    ...modernHeaders(method, params),
    ...options.headers,
  });
  const texts = sent.headers.get('content-type')?.startsWith('text/event-stream')
    ? sent.body
        .split('\n\n')
        .filter(Boolean)
        .map((each) => each.replaceAll(/^event: message\n|^data: /gm, ''))
    : [sent.body];
  const messages = texts.filter(Boolean).map((each) => JSON.parse(each) as ModernMessage);
  return { ...sent, messages, last: messages.at(-1) };
}
