/** The first message of a client of the 2025 revisions, and how it was answered. */

export interface Answer {
  readonly status: number;
  /** RFC 6750: why a token was not good. */
  readonly authenticate?: string;
  readonly body: string;
}

export const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
});

/** A connection of its own. @throws when there is none, or it is cut */
export async function initialize(url: string, token?: string): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      connection: 'close',
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: INITIALIZE,
    signal: AbortSignal.timeout(30_000),
  });
  const authenticate = response.headers.get('www-authenticate');
  return { status: response.status, ...(authenticate && { authenticate }), body: await response.text() };
}
