/** Batches of 2025-03-26: each message on its own way, the answers together. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { createReferenceServer } from '../../conformance/reference/server.ts';
import { call, HEADERS, INITIALIZE, post } from './post.ts';
import { as, start, stops, tokens } from './proxied.ts';
import { sendJson, sendResult, startStream, type ScriptedServer } from './scripted-server.ts';
import { startSidecar, untilHealth, type TestSidecar } from './start-sidecar.ts';
import { waitFor } from './wait-for.ts';

const VERSION = '2025-03-26';
const CANCELLED = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 9 } };
const RESPONSE = { jsonrpc: '2.0', id: 'asked', result: {} };
const LIST = { jsonrpc: '2.0', id: 2, method: 'tools/list' };

async function session(url: string, version: string, headers = {}): Promise<Record<string, string>> {
  const message = { ...INITIALIZE, params: { ...INITIALIZE.params, protocolVersion: version } };
  const { headers: given, body } = await post(url, message, headers);
  assert.ok(given.get('mcp-session-id'), body);
  return { 'mcp-session-id': given.get('mcp-session-id')!, ...headers };
}
// oxlint-disable-next-line typescript/no-explicit-any -- what a test looks at
const byId = (body: string): Map<unknown, any> =>
  new Map(JSON.parse(body).map((each: any) => [each.id, each]));
const sent = (server: ScriptedServer) =>
  server.fromClients().flatMap(({ message, body }) => (message?.method === 'initialize' ? [] : [body]));

describe('a batch on a session of 2025-03-26', () => {
  test('is an exchange for each message, and one array of their answers', async () => {
    const { server, sidecar } = await start({ filter: { denyTools: ['secret'] }, auth: tokens()! });
    const headers = await session(sidecar.url, VERSION, as('alice'));
    const odd = '{ "jsonrpc":"2.0", "id":1.0, "method":"tools/call", "params":{"name":"echo"} }';
    const denied = JSON.stringify(call('secret', 3));
    const answer = await post(
      sidecar.url,
      `[${odd}, ${JSON.stringify(LIST)},${denied}\n,${JSON.stringify(CANCELLED)}]`,
      headers,
    );
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'application/json');
    const answers = byId(answer.body);
    assert.deepEqual([...answers.keys()], [1, 2, 3]);
    assert.equal(answers.get(1).result.content[0].text, 'done');
    assert.deepEqual(
      answers.get(2).result.tools.map(({ name }: { name: string }) => name),
      ['echo'],
    );
    assert.equal(answers.get(3).error.code, -32602);
    assert.deepEqual(
      sent(server).toSorted(),
      [odd, JSON.stringify(LIST), JSON.stringify(CANCELLED)].toSorted(),
    );
    await waitFor('the audit records', () => sidecar.audit.length >= 5);
    assert.deepEqual(
      sidecar.audit
        .map(({ outcome, target }) => [target.method, target.name, outcome].join(' ').trim())
        .toSorted(),
      [
        'initialize  success',
        'notifications/cancelled  success',
        'tools/call echo success',
        'tools/call secret denied',
        'tools/list  success',
      ],
    );
    assert.equal(new Set(sidecar.audit.map(({ audit_id }) => audit_id)).size, 5);
  });

  test('waits for the slow among them', async () => {
    const { server, sidecar } = await start();
    const slow: (() => void)[] = [];
    server.answers.set('tools/call', (request, response) => {
      const give = () => sendResult(request, response, { of: request.message?.params?.['name'] });
      if (request.message?.params?.['name'] === 'slow') slow.push(give);
      else give();
    });
    const headers = await session(sidecar.url, VERSION);
    const answer = post(sidecar.url, [call('slow', 'a'), call('echo', 'b')], headers);
    await waitFor('the slow one', () => slow.length === 1 && sent(server).length === 2);
    slow[0]!();
    const answers = byId((await answer).body);
    assert.equal(answers.get('a').result.of, 'slow');
    assert.equal(answers.get('b').result.of, 'echo');
  });

  test('becomes an event stream as soon as one answer is: each message as it comes', async () => {
    const { server, sidecar } = await start();
    let end: (() => void) | undefined;
    server.answers.set('tools/call', async (request, response) => {
      if (request.message?.params?.['name'] !== 'streams') return sendResult(request, response, {});
      // The other answer is there, and waits.
      await waitFor('the other answer', () => sidecar.audit.some(({ target }) => target.name === 'echo'));
      const say = startStream(response);
      say({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1, progress: 1 } });
      end = () => {
        say({ jsonrpc: '2.0', id: request.message?.id, result: { streamed: true } });
        response.end();
      };
    });
    const headers = await session(sidecar.url, VERSION);
    const response = await fetch(sidecar.url, {
      method: 'POST',
      headers: { ...HEADERS, ...headers },
      body: JSON.stringify([call('echo', 1), call('streams', 2), CANCELLED]),
      signal: AbortSignal.timeout(20_000),
    });
    assert.equal(response.headers.get('content-type'), 'text/event-stream');
    let seen = '';
    const decoder = new TextDecoder();
    for await (const bytes of response.body!) {
      seen += decoder.decode(bytes, { stream: true });
      // The one is there while the other is under way.
      if (/progress/.test(seen) && /"id":1,/.test(seen)) end?.();
    }
    assert.match(seen, /"id":2,"result":\{"streamed":true\}/);
    assert.equal(seen.match(/^data: /gm)?.length, 3, seen);
  });

  test('holds no answers once it is an event stream', async () => {
    const { server, sidecar } = await start();
    const large = 'x'.repeat(3 * 1024 * 1024);
    server.answers.set('tools/call', async (request, response) => {
      const name = String(request.message?.params?.['name']);
      if (name === 'streams') {
        startStream(response)({ jsonrpc: '2.0', id: request.message?.id, result: {} });
        return void response.end();
      }
      // One behind the other, the first before there is a stream.
      const before = { a: '', b: 'streams', c: 'b' }[name];
      if (before) await waitFor(before, () => sidecar.audit.some(({ target }) => target.name === before));
      sendResult(request, response, { large });
    });
    const headers = await session(sidecar.url, VERSION);
    const batch = ['a', 'streams', 'b', 'c'].map((name, id) => call(name, id));
    const { body } = await post(sidecar.url, batch, headers);
    assert.equal(body.match(/^data: /gm)?.length, 4);
    assert.ok(body.length > 9 * 1024 * 1024, String(body.length));
  });

  test('of notifications and responses alone is accepted', async () => {
    const { server, sidecar } = await start();
    const headers = await session(sidecar.url, VERSION);
    const answer = await post(sidecar.url, [CANCELLED, RESPONSE], headers);
    assert.deepEqual([answer.status, answer.body], [202, '']);
    assert.equal(sent(server).length, 2);
  });

  test('has the status of its refusals where all are refused alike', async () => {
    const { server, sidecar } = await start();
    for (const method of ['tools/call', 'notifications/cancelled'])
      server.answers.set(method, (_, response) =>
        response
          .writeHead(404, { 'content-type': 'application/json' })
          .end('{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}'),
      );
    const headers = await session(sidecar.url, VERSION);
    const gone = await post(sidecar.url, [call('echo', 1), call('echo', 2), CANCELLED], headers);
    assert.equal(gone.status, 404);
    assert.deepEqual([...byId(gone.body).keys()], [1, 2]);
    assert.equal(byId(gone.body).get(2).error.code, -32001);
    const partly = await post(sidecar.url, [call('echo', 1), LIST], headers);
    assert.equal(partly.status, 200);
    assert.equal(byId(partly.body).get(1).error.message, 'Session not found');
    assert.ok(byId(partly.body).get(2).result);
    assert.equal((await post(sidecar.url, [CANCELLED], headers)).status, 404);
  });

  test('has an error for each answer that is none', async () => {
    const { server, sidecar } = await start();
    const large = 'x'.repeat(3 * 1024 * 1024);
    server.answers.set('tools/call', (request, response) => {
      const { id, params } = request.message!;
      const head = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},`;
      switch (params?.['name']) {
        case 'forged':
          response.writeHead(200, { 'content-type': 'application/json' });
          return void response.end(`${head}"result":{}},{"jsonrpc":"2.0","id":"ok","result":{"forged":1}}`);
        case 'cut':
          response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1_000 });
          return void response.write(head, () => response.destroy());
        case 'large':
          return sendResult(request, response, { large });
        default:
          return sendJson(response, { jsonrpc: '2.0', id, result: { fine: true } });
      }
    });
    const headers = await session(sidecar.url, VERSION);
    const batch = ['forged', 'cut', 'large', 'large', 'ok'].map((name, at) =>
      call(name, name === 'ok' ? 'ok' : at),
    );
    const answers = byId((await post(sidecar.url, batch, headers)).body);
    assert.equal(answers.size, 5);
    assert.match(answers.get(0).error.message, /not a JSON-RPC response/);
    assert.match(answers.get(1).error.message, /broke|no end/);
    const [kept, dropped] = [answers.get(2), answers.get(3)].toSorted((a) => (a.result ? -1 : 1));
    assert.equal(kept.result.large.length, large.length);
    assert.match(dropped.error.message, /over 4194304 bytes/);
    assert.deepEqual(answers.get('ok').result, { fine: true });
  });
});

describe('a batch is let in', () => {
  const BATCH = [call('echo', 1), call('echo', 2)];
  const refused = async (sidecar: TestSidecar, headers: Record<string, string>) => {
    const { status, body } = await post(sidecar.url, BATCH, headers);
    assert.equal(status, 400, body);
    assert.match(body, /a batch; send one message at a time/);
  };

  test('without a session from clients that name that revision, or none', async () => {
    const { sidecar } = await start();
    for (const headers of [undefined, { 'mcp-protocol-version': VERSION }])
      assert.equal((await post(sidecar.url, BATCH, headers)).status, 200);
    for (const version of ['2024-11-05', '2025-06-18', '2025-11-25', '2026-07-28'])
      await refused(sidecar, { 'mcp-protocol-version': version });
  });

  test('on no session of another revision, whatever the headers say', async () => {
    const { server, sidecar } = await start();
    for (const version of ['2024-11-05', '2025-06-18', '2025-11-25']) {
      const headers = await session(sidecar.url, version);
      await refused(sidecar, headers);
      await refused(sidecar, { ...headers, 'mcp-protocol-version': VERSION });
    }
    await refused(sidecar, {
      ...(await session(sidecar.url, VERSION)),
      'mcp-protocol-version': '2025-11-25',
    });
    assert.deepEqual(sent(server), []);
  });

  test('not from clients of HTTP+SSE', async () => {
    const { server, sidecar } = await start();
    const stream = await fetch(sidecar.url.replace(/mcp$/, 'sse'));
    const reader = stream.body!.getReader();
    const path = /data: (\S+)/.exec(Buffer.from((await reader.read()).value!).toString())![1]!;
    const { status } = await post(new URL(path, sidecar.url).href, BATCH);
    await reader.cancel();
    assert.equal(status, 400);
    assert.deepEqual(sent(server), []);
  });
});

test('a batch on a session that the proxy keeps, for a server of 2026-07-28 alone', async () => {
  const reference = createReferenceServer({ eras: 'modern' }).listen(0, '127.0.0.1');
  await once(reference, 'listening');
  stops.push(() => reference.close().closeAllConnections());
  const sidecar = await startSidecar({ upstreamPort: (reference.address() as AddressInfo).port });
  stops.push(sidecar.stop);
  await untilHealth(sidecar, 'healthy');
  const headers = await session(sidecar.url, VERSION);
  const { body } = await post(
    sidecar.url,
    [call('test_simple_text', 1), { jsonrpc: '2.0', id: 'p', method: 'ping' }],
    headers,
  );
  const answers = body.startsWith('[')
    ? byId(body)
    : byId(`[${[...body.matchAll(/^data: (.*)$/gm)].map((each) => each[1]).join(',')}]`);
  assert.match(JSON.stringify(answers.get(1)), /simple text/);
  assert.ok(answers.get('p').result);
});
