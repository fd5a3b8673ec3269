import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { askMcp, askSse } from '../../../plugin/enable/ask-mcp.ts';

const TIMEOUT_MS = 2_000;

async function listen(t: TestContext, handler: RequestListener): Promise<string> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
}

async function bodyOf(request: IncomingMessage): Promise<{ method?: string; id?: number }> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text ? JSON.parse(text) : {};
}

const json = (value: object, status = 200) => ({
  status,
  type: 'application/json',
  text: JSON.stringify(value),
});

describe('asking an address for HTTP+SSE', () => {
  it('knows it by the endpoint that its stream names first', async (t) => {
    const url = await listen(t, (request, response) => {
      assert.equal(request.method, 'GET');
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('event: endpoint\ndata: /messages?sessionId=1\n\n');
    });
    assert.deepEqual(await askSse(url, TIMEOUT_MS), { era: 'legacy' });
  });

  it('tells what came instead', async (t) => {
    const page = await listen(t, (_, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end(),
    );
    assert.deepEqual(await askSse(page, TIMEOUT_MS), { instead: 'HTTP 200' });
    const silent = await listen(t, () => undefined);
    assert.deepEqual(await askSse(silent, 100), { instead: 'no answer in 0.1 s' });
    const other = await listen(t, (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: x\n\n');
    });
    assert.deepEqual(await askSse(other, TIMEOUT_MS), { instead: 'an event stream without an endpoint' });
  });
});

describe('asking an address for MCP', () => {
  it('knows a modern server by server/discover', async (t) => {
    const url = await listen(t, async (request, response) => {
      const { method, id } = await bodyOf(request);
      assert.equal(method, 'server/discover');
      assert.equal(request.headers['mcp-protocol-version'], '2026-07-28');
      assert.equal(request.headers['mcp-method'], 'server/discover');
      const { type, text } = json({ jsonrpc: '2.0', id, result: { supportedVersions: ['2026-07-28'] } });
      response.writeHead(200, { 'content-type': type }).end(text);
    });
    assert.deepEqual(await askMcp(url, TIMEOUT_MS), { era: 'modern' });
  });

  it('knows a legacy server by initialize, in a stream that stays open, and ends the session', async (t) => {
    const seen: string[] = [];
    const url = await listen(t, async (request, response) => {
      const { method, id } = await bodyOf(request);
      seen.push(method ?? `${request.method} ${request.headers['mcp-session-id']}`);
      if (method === 'server/discover')
        return void response.writeHead(400).end('{"jsonrpc":"2.0","id":null}');
      if (request.method === 'DELETE') return void response.writeHead(204).end();
      response.writeHead(200, { 'content-type': 'text/event-stream', 'mcp-session-id': 's1' });
      const result = { protocolVersion: '2025-11-25', serverInfo: { name: 'x', version: '1' } };
      response.write(': hello\n\n');
      response.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, result })}\n\n`);
    });
    assert.deepEqual(await askMcp(url, TIMEOUT_MS), { era: 'legacy' });
    assert.deepEqual(seen, ['server/discover', 'initialize', 'DELETE s1']);
  });

  const others: [string, { status: number; type: string; text: string }, string][] = [
    ['a web page', { status: 200, type: 'text/html', text: '<html>' }, 'HTTP 200'],
    ['a page that is not there', { status: 404, type: 'text/plain', text: 'no' }, 'HTTP 404'],
    ['JSON-RPC that is not MCP', json({ jsonrpc: '2.0', id: 1, result: { hello: 1 } }), 'HTTP 200'],
    ['a server that wants a login', json({ error: 'who?' }, 401), 'HTTP 401'],
    ['an endless body', { status: 200, type: 'application/json', text: 'x'.repeat(1 << 20) }, 'HTTP 200'],
  ];
  for (const [title, { status, type, text }, instead] of others) {
    it(`does not take ${title} for MCP`, async (t) => {
      const url = await listen(t, (_request, response) =>
        response.writeHead(status, { 'content-type': type }).end(text),
      );
      assert.deepEqual(await askMcp(url, TIMEOUT_MS), { instead });
    });
  }

  it('says so when nothing answers, or nothing in time', async (t) => {
    assert.deepEqual(await askMcp('http://127.0.0.1:59999/mcp', TIMEOUT_MS), {
      instead: 'nothing answers',
    });
    const url = await listen(t, () => undefined);
    assert.deepEqual(await askMcp(url, 100), { instead: 'no answer in 0.1 s' });
  });
});
