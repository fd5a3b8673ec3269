import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { freePorts } from '../../conformance/ports.ts';
import { call, initialize, post } from './post.ts';
import { sendResult, SESSION_ID, startScriptedServer, tool } from './scripted-server.ts';
import { startSidecar, untilHealth } from './start-sidecar.ts';
import { stops, start, LIST } from './proxied.ts';

describe('the filter', () => {
  test('gives the answer to a denied tool the bytes of the request’s id', async () => {
    const { sidecar } = await start({ filter: { allowTools: ['echo'] } });
    for (const id of ['12345678901234567890', '"\\u00e9"', '1.0']) {
      const { body } = await post(
        sidecar.url,
        `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"secret"}}`,
      );
      assert.equal(
        body,
        `{"jsonrpc":"2.0","id":${id},"error":{"code":-32602,"message":"Unknown tool: secret"}}`,
      );
    }
  });

  test('follows the server’s hints', async () => {
    const server = await startScriptedServer();
    stops.push(server.stop);
    server.tools = [tool('reads', { readOnlyHint: true }), tool('writes')];
    const sidecar = await startSidecar({ upstreamPort: server.port, filter: { mode: 'read-only' } });
    stops.push(sidecar.stop);
    await untilHealth(sidecar, 'healthy');
    const names = async () =>
      JSON.parse((await post(sidecar.url, LIST)).body).result.tools.map(
        (each: { name: string }) => each.name,
      );
    assert.deepEqual(await names(), ['reads']);
    assert.match((await post(sidecar.url, call('writes'))).body, /Unknown tool/);
    server.tools = [tool('reads'), tool('writes', { readOnlyHint: true })];
    assert.deepEqual(await names(), ['writes'], 'a list is judged by what it says itself');
  });

  test('asks the server, on the caller’s session, for a tool that its own list lacks', async () => {
    const { server, sidecar } = await start({ filter: { denyTools: ['hidden-*'] } });
    const session = await initialize(sidecar.url);
    server.tools = [tool('late'), tool('hidden-late')];
    const asked = () =>
      server.requests.filter(
        ({ message, headers }) =>
          message?.method === 'tools/list' && headers['mcp-session-id'] === SESSION_ID,
      ).length;
    assert.match((await post(sidecar.url, call('late'), { 'mcp-session-id': session })).body, /"done"/);
    assert.equal(asked(), 1);
    assert.match(
      (await post(sidecar.url, call('hidden-late'), { 'mcp-session-id': session })).body,
      /Unknown tool/,
    );
    await post(sidecar.url, call('late'), { 'mcp-session-id': session });
    assert.equal(asked(), 1, 'one list for all names');
    assert.equal(server.fromClients().filter(({ message }) => message?.method === 'tools/call').length, 2);
  });

  test('refuses while the tools are not known: 503, never a pass', async () => {
    const server = await startScriptedServer();
    stops.push(server.stop);
    let calls = 0;
    server.answers.set('tools/call', (recorded, response) => (calls++, sendResult(recorded, response, {})));
    const [port] = (await freePorts(1)) as [number];
    const sidecar = await startSidecar({ upstreamPort: port, filter: { denyTools: ['secret'] } });
    stops.push(sidecar.stop);
    const { status, headers, body } = await post(sidecar.url, call('echo'));
    assert.equal(status, 503);
    assert.equal(headers.get('retry-after'), '2');
    assert.match(body, /the list of tools of the server is not loaded yet/);
    assert.equal(calls, 0);
  });

  test('does not let an unfiltered list out under another content type, nor one that is no JSON', async () => {
    const { server, sidecar } = await start({ filter: { denyTools: ['secret'] } });
    const list = JSON.stringify({ jsonrpc: '2.0', id: 7, result: { tools: server.tools } });
    for (const [status, type, body] of [
      [200, 'text/plain', list],
      [202, 'application/json', list],
      [200, 'application/json', list.replace('7', 'NaN')],
      [200, 'application/json', `[${list}]`],
    ] as const) {
      server.answers.set(
        'tools/list',
        (_, response) => void response.writeHead(status, { 'content-type': type }).end(body),
      );
      assert.doesNotMatch((await post(sidecar.url, LIST)).body, /secret/, `${status} ${type} ${body}`);
    }
  });

  test('edits answers whose server gives the length of its event stream', async () => {
    const { server, sidecar } = await start({ filter: { denyTools: ['secret'] } });
    server.answers.set('tools/list', ({ message }, response) => {
      const body = `data: ${JSON.stringify({ jsonrpc: '2.0', id: message?.id, result: { tools: server.tools } })}\n\n`;
      response
        .writeHead(200, { 'content-type': 'text/event-stream', 'content-length': body.length })
        .end(body);
    });
    const { body } = await post(sidecar.url, LIST);
    assert.deepEqual(JSON.parse(body.slice(6)).result.tools, [tool('echo')]);
  });
});
