import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { initialize, post } from './post.ts';
import { SESSION_ID } from './scripted-server.ts';
import { start, tokens, as, LIST } from './proxied.ts';

describe('sessions', () => {
  test('are good for their own principal alone', async () => {
    const { server, sidecar } = await start({ auth: tokens() });
    const session = await initialize(sidecar.url, as('alice'));
    const status = async (headers: Record<string, string>) => (await post(sidecar.url, LIST, headers)).status;
    assert.equal(await status({ ...as('alice'), 'mcp-session-id': session }), 200);
    assert.equal(await status({ ...as('bob'), 'mcp-session-id': session }), 404);
    assert.equal(await status({ 'mcp-session-id': session }), 401);
    const forged = session.slice(0, -2) + (session.endsWith('AA') ? 'BB' : 'AA');
    assert.equal(await status({ ...as('alice'), 'mcp-session-id': forged }), 404);
    assert.equal(await status({ ...as('alice'), 'mcp-session-id': SESSION_ID }), 404, 'the server’s own id');
    for (const method of ['GET', 'DELETE'])
      assert.equal(
        (await fetch(sidecar.url, { method, headers: { ...as('bob'), 'mcp-session-id': session } })).status,
        404,
        method,
      );
    assert.ok(server.fromClients().every((each) => each.method === 'POST'));
    const { body } = await post(sidecar.url, LIST, { ...as('bob'), 'mcp-session-id': session });
    assert.deepEqual(JSON.parse(body).error, { code: -32001, message: 'Session not found' });
  });

  test('are ended at the server by DELETE', async () => {
    const { server, sidecar } = await start();
    const session = await initialize(sidecar.url);
    const { status } = await fetch(sidecar.url, { method: 'DELETE', headers: { 'mcp-session-id': session } });
    assert.equal(status, 200);
    const got = server.fromClients().at(-1);
    assert.deepEqual([got?.method, got?.headers['mcp-session-id'], got?.body], ['DELETE', SESSION_ID, '']);
  });

  test('and callers of auth none are everyone', async () => {
    const { sidecar } = await start();
    const session = await initialize(sidecar.url, { authorization: 'Bearer whatever' });
    assert.equal((await post(sidecar.url, LIST, { 'mcp-session-id': session })).status, 200);
  });
});
