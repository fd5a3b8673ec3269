import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { modernHeaders, postModern } from './modern-meta.ts';
import { post } from './post.ts';
import { start } from './proxied.ts';
import { sendResult, startStream, type Recorded } from './scripted-server.ts';
import { waitFor } from './wait-for.ts';

/** As the Go SDK's client writes it: without a word of its revision in the body. */
const CANCELLED = {
  jsonrpc: '2.0',
  method: 'notifications/cancelled',
  params: { requestId: 4, reason: 'context canceled' },
};
const CALL = { name: 'echo', arguments: {} };
const LOG_LEVEL = { 'io.modelcontextprotocol/logLevel': 'info' };
const logged = (data: string) => ({
  jsonrpc: '2.0',
  method: 'notifications/message',
  params: { level: 'info', data },
});

describe('a notification of a client of 2026-07-28', () => {
  test('is passed to a server of that revision with the header that it wants, of the body’s own method', async () => {
    const { server, sidecar } = await start({}, 'modern');
    const headers = { ...modernHeaders(CANCELLED.method, {}), 'mcp-method': 'tools/call' };
    assert.equal((await post(sidecar.url, CANCELLED, headers)).status, 202);
    const [got] = server.fromClients().filter(({ message }) => message?.method === CANCELLED.method);
    assert.equal(got?.headers['mcp-method'], CANCELLED.method);
  });

  test('is accepted in front of a server of sessions, which has no use for it', async () => {
    const { server, sidecar } = await start();
    const sent = await post(sidecar.url, CANCELLED, modernHeaders(CANCELLED.method, {}));
    assert.deepEqual([sent.status, sent.body], [202, '']);
    assert.ok(server.requests.every(({ message }) => message?.method !== CANCELLED.method));
  });
});

describe('what a server of sessions tells a client of 2026-07-28', () => {
  test('while the client is being asked, it gets when it comes back', async () => {
    const { server, sidecar } = await start();
    const capabilities = { elicitation: {} };
    let finish: (() => void) | undefined;
    server.answersToSidecar.set('tools/call', (request, response) => {
      const event = startStream(response);
      const { progressToken } = request.message!.params!['_meta'] as { progressToken: unknown };
      const progress = (done: number): void =>
        event({
          jsonrpc: '2.0',
          method: 'notifications/progress',
          params: { progressToken, progress: done },
        });
      event({ jsonrpc: '2.0', id: 'q', method: 'elicitation/create', params: { message: 'well?' } });
      finish = () => {
        progress(1);
        progress(2);
      };
      server.answersToSidecar.set('response', (_answer: Recorded, told) => {
        told.writeHead(202).end();
        event({ jsonrpc: '2.0', id: request.message?.id, result: { content: [] } });
        response.end();
      });
    });
    const asked = await postModern(sidecar.url, 'tools/call', CALL, {
      capabilities,
      meta: { progressToken: 'first' },
    });
    const { requestState } = asked.last.result;
    finish?.();
    const inputResponses = { '1': { action: 'decline' } };
    const { messages } = await postModern(
      sidecar.url,
      'tools/call',
      { ...CALL, requestState, inputResponses },
      { id: 2, capabilities, meta: { progressToken: 'second' } },
    );
    assert.deepEqual(
      messages.map(({ params, result }) => params ?? Object.keys(result)),
      [
        { progressToken: 'second', progress: 1 },
        { progressToken: 'second', progress: 2 },
        ['content', 'resultType', '_meta'],
      ],
    );
  });

  test('in log messages beside its call, it gets in its only call, and in none of several', async () => {
    const { server, sidecar } = await start();
    const streams: ((message: unknown) => void)[] = [];
    const calls: (() => void)[] = [];
    server.answersToSidecar.set('GET', (_request, response) => void streams.push(startStream(response)));
    server.answersToSidecar.set('tools/call', (request, response) => {
      calls.push(() => sendResult(request, response, { content: [] }));
    });
    const call = (id: number) =>
      postModern(sidecar.url, 'tools/call', CALL, { id, capabilities: { roots: {} }, meta: LOG_LEVEL });
    const alone = call(1);
    await waitFor('the call and the stream of its session', () => calls.length === 1 && streams.length > 0);
    for (const tell of streams) tell(logged('alone'));
    const again = (): void => void calls.splice(0).forEach((finish) => finish());
    setTimeout(again, 200);
    assert.deepEqual(
      (await alone).messages.map(({ params }) => params?.data),
      ['alone', undefined],
    );
    const both = [call(2), call(3)];
    await waitFor('both calls', () => calls.length === 2);
    for (const tell of streams) tell(logged('whose?'));
    setTimeout(again, 200);
    for (const each of await Promise.all(both)) assert.equal(each.messages.length, 1);
  });
});

test('a call comes after the stream on which its client may be asked, or a second after one that stays silent', async () => {
  for (const silent of [false, true]) {
    const { server, sidecar } = await start();
    let open = false;
    server.answersToSidecar.set('GET', (_request, response) => {
      if (silent) return;
      setTimeout(() => {
        startStream(response);
        open = true;
      }, 200);
    });
    server.answersToSidecar.set('tools/call', (request, response) =>
      sendResult(request, response, { content: [], structuredContent: { open } }),
    );
    const { last } = await postModern(sidecar.url, 'tools/call', CALL, { capabilities: { roots: {} } });
    assert.equal(last.result.structuredContent.open, !silent);
  }
});
