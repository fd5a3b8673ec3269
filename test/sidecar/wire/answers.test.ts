import assert from 'node:assert/strict';
import { request } from 'node:http';
import { describe, test } from 'node:test';
import { call, INITIALIZE, initialize, post } from './post.ts';
import { sendJson, SESSION_ID } from './scripted-server.ts';
import { start } from './proxied.ts';

describe('the server’s answers', () => {
  test('pass with their status, and with the headers on the list alone', async () => {
    const { server, sidecar } = await start();
    server.answers.set('tools/call', (_, response) => {
      response.writeHead(429, {
        'content-type': 'application/json',
        'retry-after': '9',
        'set-cookie': 'a=b',
        'x-powered-by': 'x',
        'access-control-allow-origin': '*',
      });
      response.end('{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"slow down"}}');
    });
    const { status, headers, body } = await post(sidecar.url, call('echo'));
    assert.equal(status, 429);
    assert.equal(headers.get('retry-after'), '9');
    for (const name of ['set-cookie', 'x-powered-by', 'access-control-allow-origin'])
      assert.equal(headers.get(name), null, name);
    assert.match(body, /slow down/);
    server.answers.set('notifications/initialized', (_, response) => void response.writeHead(202).end());
    const accepted = await post(sidecar.url, { jsonrpc: '2.0', method: 'notifications/initialized' });
    assert.deepEqual([accepted.status, accepted.body], [202, '']);
  });

  test('of 204 carry no length', async () => {
    const { server, sidecar } = await start();
    server.answers.set('DELETE', (_, response) => void response.writeHead(204).end());
    const session = await initialize(sidecar.url);
    const { port, hostname } = new URL(sidecar.url);
    const headers = await new Promise((resolve, reject) => {
      const sent = request(
        {
          port,
          hostname,
          path: '/mcp',
          method: 'DELETE',
          agent: false,
          headers: { 'mcp-session-id': session },
        },
        (response) => {
          resolve([
            response.statusCode,
            response.headers['content-length'],
            response.headers['transfer-encoding'],
          ]);
          response.resume();
        },
      );
      sent.on('error', reject).end();
    });
    assert.deepEqual(headers, [204, undefined, undefined]);
  });

  test('that break HTTP are 502, and the sidecar goes on', async () => {
    const { server, sidecar } = await start();
    server.answers.set('tools/call', (_, response) => {
      response.socket?.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi');
    });
    const { status, body } = await post(sidecar.url, call('echo'));
    assert.equal(status, 502);
    assert.match(body, /two Content-Length headers/);
    server.answers.delete('tools/call');
    assert.equal((await post(sidecar.url, call('echo'))).status, 200);
  });

  test('to initialize keep their body, and get a session id of ours', async () => {
    const { server, sidecar } = await start();
    server.answers.set('initialize', (_, response) =>
      sendJson(
        response,
        { jsonrpc: '2.0', id: 0, result: { protocolVersion: '2025-11-25' } },
        { 'mcp-session-id': SESSION_ID },
      ),
    );
    const { headers, body } = await post(sidecar.url, INITIALIZE);
    assert.equal(body, '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25"}}');
    assert.notEqual(headers.get('mcp-session-id'), SESSION_ID);
  });
});
