import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { call, HEADERS, initialize, post } from './post.ts';
import { sendResult, SESSION_ID, startStream, tool } from './scripted-server.ts';
import { waitFor } from './wait-for.ts';
import { start, LIST } from './proxied.ts';

describe('streams', () => {
  test('pass as they come: progress is with the client before the result exists', async () => {
    for (const filter of [undefined, { denyTools: ['secret'] }]) {
      const { server, sidecar } = await start(filter ? { filter } : {});
      const { promise: released, resolve: release } = Promise.withResolvers<void>();
      server.answers.set('tools/call', ({ message }, response) => {
        const send = startStream(response);
        send({ jsonrpc: '2.0', method: 'notifications/progress', params: { progress: 1 } });
        void released.then(() => {
          send({ jsonrpc: '2.0', id: message?.id, result: { content: [] } });
          response.end();
        });
      });
      const response = await fetch(sidecar.url, {
        method: 'POST',
        headers: HEADERS,
        body: JSON.stringify(call('echo')),
      });
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      const first = await reader?.read();
      assert.match(first?.value ?? '', /notifications\/progress/);
      release();
      const second = await reader?.read();
      assert.match(second?.value ?? '', /"result"/);
      assert.equal((await reader?.read())?.done, true);
    }
  });

  test('of GET bring what the server sends, lists of tools filtered', async () => {
    const { server, sidecar } = await start({ filter: { denyTools: ['secret'] } });
    let send: ((message: unknown) => void) | undefined;
    server.answers.set('GET', (_, response) => (send = startStream(response)));
    const session = await initialize(sidecar.url);
    const abort = new AbortController();
    const response = await fetch(sidecar.url, {
      headers: { accept: 'text/event-stream', 'mcp-session-id': session, 'last-event-id': 'e1' },
      signal: abort.signal,
    });
    assert.equal(response.status, 200);
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    assert.ok(send && reader);
    send({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
    assert.equal(
      (await reader.read()).value,
      'data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n\n',
    );
    send({ jsonrpc: '2.0', id: 3, result: { tools: [tool('secret'), tool('echo')] } });
    const { value } = await reader.read();
    assert.deepEqual(JSON.parse((value ?? '').slice(6)).result.tools, [tool('echo')]);
    const got = server.fromClients().at(-1);
    assert.deepEqual(
      [got?.method, got?.headers['last-event-id'], got?.headers['mcp-session-id']],
      ['GET', 'e1', SESSION_ID],
    );
    abort.abort();
    await waitFor('the end at the server', () => got?.cut);
  });

  test('and calls end at the server when their client goes', async () => {
    const { server, sidecar } = await start();
    for (const begin of [false, true]) {
      server.answers.set('tools/call', (_, response) => void (begin && startStream(response)));
      const abort = new AbortController();
      const given = fetch(sidecar.url, {
        method: 'POST',
        headers: HEADERS,
        body: JSON.stringify(call('echo')),
        signal: abort.signal,
      });
      given.catch(() => undefined);
      await waitFor('the call', () => server.fromClients().some((each) => !each.cut));
      if (begin) await given;
      abort.abort();
      await waitFor('the end of the call at the server', () => server.fromClients().at(-1)?.cut);
    }
    await waitFor('the audit lines', () => sidecar.audit.length === 2);
    assert.deepEqual(
      sidecar.audit.map((each) => each.outcome),
      ['failure', 'failure'],
    );
  });

  test('that the server breaks off are not made to look whole', async () => {
    const { server, sidecar } = await start();
    server.answers.set('tools/call', (_, response) => {
      startStream(response)({ jsonrpc: '2.0', method: 'notifications/progress' });
      setImmediate(() => response.destroy());
    });
    assert.match((await post(sidecar.url, call('echo'))).body, /"id":1,"error":{"code":-32603,/);
    server.answers.set('tools/call', (_, response) => {
      startStream(response);
      response.write('data: {"jsonrpc"');
      setImmediate(() => response.destroy());
    });
    await assert.rejects(post(sidecar.url, call('echo')));
    server.answers.set('tools/call', (_, response) => void response.destroy());
    const { status, body } = await post(sidecar.url, call('echo'));
    assert.equal(status, 502);
    assert.match(body, /server tested, port \d+/);
  });

  test('larger than any buffer go through whole, both ways', async () => {
    const { server, sidecar } = await start({ filter: { denyTools: ['secret'] } });
    const large = 'é'.repeat(1_500_000);
    server.answers.set('tools/call', (recorded, response) =>
      sendResult(recorded, response, {
        content: [
          { type: 'text', text: String(recorded.message?.params?.['arguments'] && recorded.body.length) },
          { type: 'text', text: large },
        ],
      }),
    );
    server.tools = [tool('secret'), { ...tool('echo'), description: large }];
    const message = call('echo', 1, { large });
    const { body } = await post(sidecar.url, message);
    const { content } = JSON.parse(body).result;
    assert.equal(content[0].text, String(JSON.stringify(message).length));
    assert.ok(content[1].text === large);
    const list = await post(sidecar.url, LIST);
    assert.ok(JSON.parse(list.body).result.tools[0].description === large);
  });
});
