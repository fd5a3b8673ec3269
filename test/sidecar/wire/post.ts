/** Raw requests of a client, for what the SDKs' clients would never send. */
export interface Sent {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

const TIMEOUT_MS = 20_000;
export const HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

export async function post(
  url: string,
  message: unknown,
  headers: Record<string, string> = {},
): Promise<Sent> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...HEADERS, ...headers },
    // An answer that does not end fails the test and does not hold it.
    signal: AbortSignal.timeout(TIMEOUT_MS),
    body: typeof message === 'string' ? message : JSON.stringify(message),
  });
  return { status: response.status, headers: response.headers, body: await response.text() };
}

export const call = (name: string, id: unknown = 1, args: object = {}) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: args },
});

export const INITIALIZE = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'test-client', version: '2' },
  },
};

/** Opens a session; returns its id as clients see it. */
export async function initialize(url: string, headers: Record<string, string> = {}): Promise<string> {
  const { status, headers: given, body } = await post(url, INITIALIZE, headers);
  const id = given.get('mcp-session-id');
  if (status !== 200 || id === null) throw new Error(`initialize was answered ${status}: ${body}`);
  return id;
}
