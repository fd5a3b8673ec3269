/** Asks an address whether it speaks MCP, modern or legacy, without starting anything there. */
import { VERSION } from '../version.ts';

export interface McpAnswer {
  readonly era?: 'modern' | 'legacy';
  /** What came instead. */
  readonly instead?: string;
}

const MODERN = '2026-07-28';
const LEGACY = '2025-11-25';
const CLIENT = { name: 'kubectl-mcp', version: VERSION };
const MAX_ANSWER_BYTES = 256 * 1024;

/** `server/discover` first: a legacy server refuses it without a trace, and `initialize` would open a session. */
export async function askMcp(url: string, timeoutMs: number): Promise<McpAnswer> {
  const modern = await post(url, timeoutMs, discover, {
    'mcp-protocol-version': MODERN,
    'mcp-method': 'server/discover',
  });
  if (modern.unreachable) return { instead: modern.instead };
  if (Array.isArray(modern.message?.result?.['supportedVersions'])) return { era: 'modern' };
  const legacy = await post(url, timeoutMs, initialize, {});
  if (typeof legacy.message?.result?.['protocolVersion'] !== 'string') return { instead: legacy.instead };
  if (legacy.session) await endSession(url, legacy.session, timeoutMs);
  return { era: 'legacy' };
}

/** The same of HTTP+SSE: its first event names where messages go (2024-11-05, transports). */
export async function askSse(url: string, timeoutMs: number): Promise<McpAnswer> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeoutMs);
  try {
    const headers = { accept: 'text/event-stream' };
    const response = await fetch(url, { redirect: 'manual', headers, signal: abort.signal });
    if (!response.headers.get('content-type')?.startsWith('text/event-stream'))
      return { instead: `HTTP ${response.status}` };
    let text = '';
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      if (/^event:\s*endpoint\s*$/m.test(text)) return { era: 'legacy' };
      if (text.length > MAX_ANSWER_BYTES) break;
    }
    return { instead: 'an event stream without an endpoint' };
  } catch {
    return { instead: abort.signal.aborted ? `no answer in ${timeoutMs / 1000} s` : 'nothing answers' };
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
}

const discover = {
  method: 'server/discover',
  params: {
    _meta: {
      'io.modelcontextprotocol/protocolVersion': MODERN,
      'io.modelcontextprotocol/clientCapabilities': {},
      'io.modelcontextprotocol/clientInfo': CLIENT,
    },
  },
};

const initialize = {
  method: 'initialize',
  params: { protocolVersion: LEGACY, capabilities: {}, clientInfo: CLIENT },
};

interface Message {
  readonly jsonrpc?: unknown;
  readonly id?: unknown;
  readonly result?: Record<string, unknown>;
}

interface Posted {
  readonly message?: Message;
  readonly session?: string;
  readonly instead: string;
  readonly unreachable?: true;
}

async function post(
  url: string,
  timeoutMs: number,
  request: object,
  headers: Record<string, string>,
): Promise<Posted> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeoutMs);
  try {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...request }),
      signal: abort.signal,
    });
    const message = await firstAnswer(response);
    const session = response.headers.get('mcp-session-id');
    return { ...(message && { message }), ...(session && { session }), instead: `HTTP ${response.status}` };
  } catch {
    const instead = abort.signal.aborted ? `no answer in ${timeoutMs / 1000} s` : 'nothing answers';
    return { instead, ...(!abort.signal.aborted && { unreachable: true }) };
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
}

/** The answer to our request: the whole body, or one event of a stream that may go on. */
async function firstAnswer(response: Response): Promise<Message | undefined> {
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
  let text = '';
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    if (text.length > MAX_ANSWER_BYTES) return undefined;
    const found = isStream ? eventsOf(text).map(parse).find(isAnswer) : undefined;
    if (found) return found;
  }
  const message = isStream ? undefined : parse(text);
  return isAnswer(message) ? message : undefined;
}

/** Data of the events that are complete. */
const eventsOf = (text: string): string[] =>
  text
    .split(/\r?\n\r?\n/)
    .slice(0, -1)
    .map((event) =>
      event
        .split(/\r?\n/)
        .filter((line) => line.startsWith('data:'))
        .map((line) => line.slice(5))
        .join('\n'),
    );

function parse(text: string): Message | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

const isAnswer = (message: Message | undefined): message is Message =>
  message?.jsonrpc === '2.0' && message.id === 1;

async function endSession(url: string, session: string, timeoutMs: number): Promise<void> {
  const headers = { 'mcp-session-id': session, 'mcp-protocol-version': LEGACY };
  const options = { method: 'DELETE', headers, signal: AbortSignal.timeout(timeoutMs) };
  await fetch(url, options)
    .then((response) => response.body?.cancel())
    .catch(() => undefined);
}
