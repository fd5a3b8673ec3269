import assert from 'node:assert/strict';
import { initialize } from './post.ts';
import { stops } from './proxied.ts';

/** Opens a session and its GET stream; the answer says whether that has ended cleanly. */
export async function listen(url: string, token: string): Promise<() => boolean> {
  const headers = { authorization: `Bearer ${token}` };
  const session = await initialize(url, headers);
  const abort = new AbortController();
  stops.push(() => abort.abort());
  const response = await fetch(url, {
    headers: { accept: 'text/event-stream', 'mcp-session-id': session, ...headers },
    signal: abort.signal,
  });
  assert.equal(response.status, 200);
  let ended = false;
  response.text().then(
    () => (ended = true),
    () => undefined,
  );
  return () => ended;
}
