import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import type { ChannelEvents } from '../../../sidecar/upstream/channel/channel.ts';
import { createChannelPool } from '../../../sidecar/upstream/channel/channel-pool.ts';
import type { UpstreamEvents } from '../../../sidecar/upstream/upstream-call.ts';

const nothing = (): void => undefined;
const NEWS = '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}';

/** What came, in its order. */
function recorded(): { seen: string[]; events: UpstreamEvents } {
  const seen: string[] = [];
  const events = {
    head: ({ status }: { status: number }) => void seen.push(`head ${status}`),
    chunk: (bytes: Buffer) => void seen.push(bytes.toString()),
    end: () => void seen.push('end'),
    fail: (error: Error) => void seen.push(error.message),
  };
  return { seen, events };
}

/** A session with a server that says what the test says. */
async function openSession() {
  let server: ChannelEvents | undefined;
  const pool = createChannelPool(
    (_, events) => {
      server = events;
      return Promise.resolve({ send: nothing, pause: nothing, resume: nothing, close: nothing });
    },
    { requestTimeoutMs: 60_000 },
  );
  let id = '';
  pool.send(
    { method: 'POST', headerLines: '', body: Buffer.from('{"jsonrpc":"2.0","id":1,"method":"initialize"}') },
    { ...recorded().events, head: ({ headers }) => void (id = headers.get('mcp-session-id') ?? '') },
  );
  await turn();
  server!.message(Buffer.from('{"jsonrpc":"2.0","id":1,"result":{}}'));
  const listen = () => {
    const { seen, events } = recorded();
    const call = pool.send({ method: 'GET', headerLines: `Mcp-Session-Id: ${id}\r\n` }, events);
    return { seen, call };
  };
  return { pool, server: server!, listen };
}

test('what a server says as its client begins to listen comes after the head, of which there is one', async () => {
  const { pool, server, listen } = await openSession();
  const { seen } = listen();
  server.message(Buffer.from(NEWS));
  await turn();
  server.message(Buffer.from(NEWS));
  pool.close();
  const event = `event: message\ndata: ${NEWS}\n\n`;
  assert.deepEqual(seen, ['head 200', event, event, 'end']);
});

test('a stream whose place is taken, or whose session ends, before it has begun ends as one', async () => {
  const { pool, server, listen } = await openSession();
  const first = listen();
  const second = listen();
  assert.deepEqual(first.seen, ['head 200', 'end']);
  server.closed(new Error('gone'));
  await turn();
  assert.deepEqual(
    [first.seen, second.seen],
    [
      ['head 200', 'end'],
      ['head 200', 'end'],
    ],
  );
  pool.close();
});

test('who has left hears nothing, and what comes for nobody is no fault', async () => {
  const { pool, server, listen } = await openSession();
  const { seen, call } = listen();
  call.abort();
  server.message(Buffer.from(NEWS));
  await turn();
  assert.deepEqual(seen, []);
  pool.close();
});
