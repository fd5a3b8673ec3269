/** One modern (2026-07-28) tools/call, sent as different HTTP clients send it, and what became of it. */
import { Agent, request as httpRequest } from 'node:http';

/**
 * How connections are used: `fetch` keeps them alive as Node's fetch does (short idle time, heeds the server's
 * Keep-Alive hint), `agent` keeps them until the server closes them, `fresh` opens one for each call.
 */
export const CONNECTION_MODES = ['fetch', 'agent', 'fresh'] as const;
export type ConnectionMode = (typeof CONNECTION_MODES)[number];

export type Outcome = 'ok' | 'cut' | 'refused' | 'other';

export interface CallResult {
  outcome: Outcome;
  /** What went wrong. */
  fault?: string;
}

export interface CallOptions {
  url: string;
  mode: ConnectionMode;
  sleepMs: number;
  timeoutMs: number;
  token?: string;
}

interface Answer {
  status: number;
  body: string;
}

const VERSION = '2026-07-28';
const agent = new Agent({ keepAlive: true });

export async function sendCall(id: number, options: CallOptions): Promise<CallResult> {
  try {
    return judge(await (options.mode === 'fetch' ? byFetch(id, options) : byHttp(id, options)));
  } catch (error) {
    return classify(error as Error);
  }
}

/** A connection that was never made is `refused`; one that was lost is `cut`. */
export function classify(error: Error): CallResult {
  const inner = error.cause instanceof Error ? error.cause : error;
  const code = (inner as NodeJS.ErrnoException).code ?? inner.name;
  const fault = `${code}: ${inner.message}`;
  if (code === 'TimeoutError') return { outcome: 'other', fault };
  const unconnected = ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'];
  return { outcome: unconnected.includes(code) ? 'refused' : 'cut', fault };
}

export function judge({ status, body }: Answer): CallResult {
  // An SSE answer ends with the result.
  const json = body.startsWith('{')
    ? body
    : (body
        .match(/^data: (.*)$/gm)
        ?.at(-1)
        ?.slice(6) ?? '');
  try {
    const message = JSON.parse(json);
    if (status === 200 && message.result && !message.result.isError) return { outcome: 'ok' };
  } catch {
    // Falls through: it is no good answer.
  }
  return { outcome: 'other', fault: `HTTP ${status}: ${body.slice(0, 300)}` };
}

async function byFetch(id: number, options: CallOptions): Promise<Answer> {
  const { headers, body } = messageOf(id, options);
  const signal = AbortSignal.timeout(options.timeoutMs);
  const response = await fetch(options.url, { method: 'POST', headers, body, signal });
  return { status: response.status, body: await response.text() };
}

function byHttp(id: number, options: CallOptions): Promise<Answer> {
  const { headers, body } = messageOf(id, options);
  return new Promise((resolve, reject) => {
    const request = httpRequest(options.url, {
      method: 'POST',
      headers: { ...headers, 'Content-Length': Buffer.byteLength(body) },
      agent: options.mode === 'agent' ? agent : false,
      signal: AbortSignal.timeout(options.timeoutMs),
    });
    request.on('error', reject);
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
    });
    request.end(body);
  });
}

function messageOf(id: number, { sleepMs, token }: CallOptions) {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: {
      name: 'slow',
      arguments: { ms: sleepMs },
      _meta: {
        'io.modelcontextprotocol/protocolVersion': VERSION,
        'io.modelcontextprotocol/clientCapabilities': {},
        'io.modelcontextprotocol/clientInfo': { name: 'load', version: '1.0.0' },
      },
    },
  });
  const headers: Record<string, string> = {
    'Content-Type': 'application/json',
    Accept: 'application/json, text/event-stream',
    'MCP-Protocol-Version': VERSION,
    'Mcp-Method': 'tools/call',
    'Mcp-Name': 'slow',
    ...(token && { Authorization: `Bearer ${token}` }),
  };
  return { headers, body };
}
