/** What a session speaks is what the server has agreed to, and not what its client has asked for. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { INITIALIZE, post } from './post.ts';
import { LIST, start } from './proxied.ts';
import { sendJson, SESSION_ID, type Answer } from './scripted-server.ts';

const SESSION = { 'mcp-session-id': SESSION_ID };
const answerOf = (id: unknown, protocolVersion: string) => ({
  jsonrpc: '2.0',
  id,
  result: { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } },
});

/** The answer in each form that it may have. */
const FORMS: Record<string, (agreed: string) => Answer> = {
  'as JSON': (agreed) => (request, response) =>
    sendJson(response, answerOf(request.message?.id, agreed), SESSION),
  'as JSON of unknown length': (agreed) => (request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', ...SESSION });
    const text = JSON.stringify(answerOf(request.message?.id, agreed));
    response.write(text.slice(0, 40));
    setTimeout(() => response.end(text.slice(40)), 20);
  },
  'as an event': (agreed) => (request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', ...SESSION });
    response.write(': hello\n\nid: 1\ndata:\n\n');
    response.end(`data: ${JSON.stringify(answerOf(request.message?.id, agreed))}\n\n`);
  },
};

/** Batches are taken on sessions of 2025-03-26 alone: their status tells what a session is taken to speak. */
async function batchOn(form: (agreed: string) => Answer, asked: string, agreed: string): Promise<number> {
  const { server, sidecar } = await start();
  server.answers.set('initialize', form(agreed));
  const message = { ...INITIALIZE, params: { ...INITIALIZE.params, protocolVersion: asked } };
  const { headers, body, status } = await post(sidecar.url, message);
  assert.equal(status, 200);
  assert.match(body, new RegExp(`"protocolVersion":"${agreed}"`));
  const session = headers.get('mcp-session-id');
  assert.ok(session && session !== SESSION_ID);
  return (await post(sidecar.url, [LIST], { 'mcp-session-id': session })).status;
}

for (const [title, form] of Object.entries(FORMS))
  describe(`initialize answered ${title}`, () => {
    test('opens a session of the older revision that the server has agreed to', async () => {
      assert.equal(await batchOn(form, '2025-11-25', '2025-03-26'), 200);
    });
    test('opens none of the older revision that the server did not agree to', async () => {
      assert.equal(await batchOn(form, '2025-03-26', '2025-11-25'), 400);
    });
  });

test('an answer to initialize that names a session and breaks off is told as such', async () => {
  const { server, sidecar } = await start();
  server.answers.set('initialize', (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', ...SESSION });
    response.write('data: {"jsonrpc"');
    setTimeout(() => response.destroy(), 20);
  });
  const { status, body, headers } = await post(sidecar.url, INITIALIZE);
  assert.equal(status, 502);
  assert.equal(headers.get('mcp-session-id'), null);
  assert.ok(JSON.parse(body).error);
});
