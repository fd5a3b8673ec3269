/** Clients that are slow, huge or many: each is told so in an answer that it can read, and others go on. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { as, start, tokens } from '../sidecar/wire/proxied.ts';
import { call, post as send } from '../sidecar/wire/post.ts';
import {
  sendResult,
  startStream,
  type Answer,
  type ScriptedServer,
} from '../sidecar/wire/scripted-server.ts';
import { untilAudit, type TestSidecar } from '../sidecar/wire/start-sidecar.ts';
import { waitFor } from '../sidecar/wire/wait-for.ts';
import { rawClient } from './raw-client.ts';
import { post } from './rude-requests.ts';

const HEAD = 'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
const TIMEOUTS = { headersMs: 300, requestMs: 600, checkMs: 100 };
/** In which only the head is late. */
const HEAD_TIMEOUTS = { headersMs: 300, requestMs: 100_000, checkMs: 100 };
const MIB = 1024 * 1024;

const metrics = async ({ adminUrl }: TestSidecar) => (await fetch(`${adminUrl}/metrics`)).text();
const works = async ({ url }: TestSidecar) => assert.equal((await send(url, call('echo'))).status, 200);

/** Holds calls of the tool `slow` until they are let go. */
function holdSlow(server: ScriptedServer): { waiting: () => number; release: () => void } {
  const held: (() => void)[] = [];
  server.answers.set('tools/call', (...given: Parameters<Answer>) => {
    const [request, response] = given;
    const answer = () => sendResult(request, response, { content: [] });
    if (request.message?.params?.['name'] === 'slow') held.push(answer);
    else answer();
  });
  return { waiting: () => held.length, release: () => held.splice(0).forEach((answer) => answer()) };
}

describe('a client that is slow', () => {
  for (const [what, bytes] of [
    ['says nothing', ''],
    ['sends half a request line', 'POST /m'],
    ['sends half its headers', `${HEAD}X-A: `],
  ] as const)
    test(`and ${what} is answered 408`, async () => {
      const { sidecar } = await start({ timeouts: HEAD_TIMEOUTS });
      const client = await rawClient(sidecar.listenPort);
      if (bytes) client.write(bytes);
      const answer = await client.answer();
      assert.equal(answer?.status, 408);
      assert.match(answer?.body ?? '', /did not come in time/);
      await client.closed();
      client.socket.destroy();
      assert.match(await metrics(sidecar), /client_faults_total\{server="tested",fault="timeout"\} 1/);
      await works(sidecar);
    });

  test('byte by byte is answered 408 all the same', async () => {
    const { sidecar } = await start({ timeouts: HEAD_TIMEOUTS });
    const client = await rawClient(sidecar.listenPort);
    client.write(HEAD);
    const drip = setInterval(() => client.write('X: y\r\n'), 50);
    const answer = await client.answer();
    clearInterval(drip);
    client.socket.destroy();
    assert.equal(answer?.status, 408);
  });

  test('with its body is answered 408, and there is a record of it', async () => {
    const { sidecar, server } = await start({ timeouts: TIMEOUTS });
    const client = await rawClient(sidecar.listenPort);
    client.write(`${HEAD}Content-Length: 100\r\n\r\n{"jsonrpc"`);
    const answer = await client.answer();
    assert.equal(answer?.status, 408);
    await client.closed();
    client.socket.destroy();
    await untilAudit(sidecar, ({ metadata }) => metadata.extra.http_status === 408);
    assert.equal(server.fromClients().length, 0);
    await works(sidecar);
  });

  test('to read an answer holds up nobody else', async () => {
    const { sidecar, server } = await start();
    const large = 'x'.repeat(8 * MIB);
    server.answers.set('tools/call', (request, response) =>
      sendResult(request, response, {
        content: [{ type: 'text', text: request.message?.params?.['name'] === 'large' ? large : 'small' }],
      }),
    );
    const clients = await Promise.all(Array.from({ length: 5 }, () => rawClient(sidecar.listenPort)));
    for (const { socket, write } of clients) {
      socket.pause();
      write(post('large'));
    }
    await waitFor('the large calls', () => server.fromClients().length === 5);
    for (let each = 0; each < 20; each++) await works(sidecar);
    for (const { socket } of clients) socket.resume();
    for (const client of clients) assert.ok((await client.answer())?.body.includes(`"${large}"`));
    for (const { socket } of clients) socket.destroy();
  });
});

describe('a body over the limit', () => {
  const edge = { limits: { requestBytes: 4_096 } };
  for (const [how, head] of [
    ['that says so', `Content-Length: ${64 * MIB}\r\n\r\n`],
    ['in chunks', `Transfer-Encoding: chunked\r\n\r\n${(64 * MIB).toString(16)}\r\n`],
  ] as const)
    test(`${how} is answered 413 while the client still sends`, async () => {
      const { sidecar, server } = await start({ edge });
      const client = await rawClient(sidecar.listenPort);
      client.write(`${HEAD}${head}`);
      const flood = setInterval(
        () => client.socket.writable && client.write(Buffer.alloc(256 * 1024, 'x')),
        1,
      );
      const answer = await client.answer();
      assert.equal(answer?.status, 413);
      assert.match(answer?.body ?? '', /over 4096 bytes/);
      assert.equal(answer?.headers['connection'], 'close');
      await client.closed();
      clearInterval(flood);
      client.socket.destroy();
      assert.equal(server.fromClients().length, 0);
      await untilAudit(sidecar, ({ metadata }) => metadata.extra.http_status === 413);
    });

  test('of a client that is not let in is answered 401, before any of it is read', async () => {
    const { sidecar } = await start({ edge, auth: tokens()! });
    const client = await rawClient(sidecar.listenPort);
    client.write(`${HEAD}Expect: 100-continue\r\nContent-Length: ${64 * MIB}\r\n\r\n`);
    assert.equal((await client.answer())?.status, 401);
    client.socket.destroy();
  });
});

const from = (address: string) => ({ 'x-forwarded-for': address });

async function refused(url: string, headers: Record<string, string> = {}, tool = 'echo'): Promise<string> {
  const answer = await send(url, call(tool), headers);
  assert.equal(answer.status, 503, answer.body);
  assert.equal(answer.headers.get('retry-after'), '1');
  return JSON.parse(answer.body).error.message;
}

describe('too much under way', () => {
  test('of calls is answered 503 with Retry-After, and goes on when there is room', async () => {
    const { sidecar, server } = await start({ edge: { limits: { requestsInFlight: 2 } } });
    const slow = holdSlow(server);
    const calls = [1, 2].map(() => send(sidecar.url, call('slow')));
    await waitFor('two calls', () => slow.waiting() === 2);
    assert.match(await refused(sidecar.url), /2 calls$/);
    slow.release();
    for (const each of calls) assert.equal((await each).status, 200);
    await works(sidecar);
  });

  test('of one caller leaves room for another', async () => {
    const { sidecar, server } = await start({
      auth: tokens()!,
      edge: { limits: { requestsInFlightPerPrincipal: 1 } },
    });
    const slow = holdSlow(server);
    const held = send(sidecar.url, call('slow'), as('alice'));
    await waitFor('the call', () => slow.waiting() === 1);
    assert.match(await refused(sidecar.url, as('alice')), /1 calls of this caller/);
    assert.equal((await send(sidecar.url, call('echo'), as('bob'))).status, 200);
    slow.release();
    assert.equal((await held).status, 200);
  });

  test('of callers without a name is told apart by their address, a proxy’s word taken', async () => {
    const { sidecar, server } = await start({
      edge: { limits: { requestsInFlightPerPrincipal: 1 }, trustedProxies: ['127.0.0.0/8'] },
    });
    const slow = holdSlow(server);
    const held = send(sidecar.url, call('slow'), from('203.0.113.1'));
    await waitFor('the call', () => slow.waiting() === 1);
    await refused(sidecar.url, from('198.51.100.9, 203.0.113.1'));
    assert.equal((await send(sidecar.url, call('echo'), from('203.0.113.2'))).status, 200);
    const record = await untilAudit(sidecar, ({ source }) => source.value === '203.0.113.2');
    assert.equal(record.outcome, 'success');
    slow.release();
    await held;
  });

  test('of streams is answered 503, of GET and of subscriptions', async () => {
    const { sidecar, server } = await start({ edge: { limits: { streams: 1 } } });
    server.answers.set('GET', (_, response) => void startStream(response));
    const controller = new AbortController();
    const stream = await fetch(sidecar.url, { signal: controller.signal });
    assert.equal(stream.status, 200);
    const more = await fetch(sidecar.url);
    assert.equal(more.status, 503);
    assert.match(await more.text(), /1 streams/);
    const listen = { jsonrpc: '2.0', id: 1, method: 'subscriptions/listen', params: {} };
    assert.equal((await send(sidecar.url, listen)).status, 503);
    await works(sidecar);
    controller.abort();
    await waitFor('room', async () => {
      const again = new AbortController();
      const { status } = await fetch(sidecar.url, { signal: again.signal });
      again.abort();
      return status === 200;
    });
  });

  test('of bytes is answered 503 while small calls go on', async () => {
    const { sidecar, server } = await start({
      auth: tokens()!,
      edge: { limits: { requestBytes: MIB, requestBytesInFlight: MIB } },
    });
    const slow = holdSlow(server);
    const large = { ...call('slow'), params: { name: 'slow', arguments: { text: 'x'.repeat(900 * 1024) } } };
    const held = send(sidecar.url, large, as('alice'));
    await waitFor('the call', () => slow.waiting() === 1);
    const more = await send(sidecar.url, large, as('bob'));
    assert.equal(more.status, 503);
    assert.match(more.body, /bytes of request bodies/);
    assert.equal((await send(sidecar.url, call('echo'), as('alice'))).status, 200);
    slow.release();
    assert.equal((await held).status, 200);
    const again = send(sidecar.url, large, as('bob'));
    await waitFor('the call', () => slow.waiting() === 1);
    slow.release();
    assert.equal((await again).status, 200);
  });

  test('of connections ends the next one, and is counted', async () => {
    const { sidecar } = await start({ edge: { limits: { connections: 3 } } });
    const clients = await Promise.all(Array.from({ length: 6 }, () => rawClient(sidecar.listenPort)));
    for (const { write } of clients) write('GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const answers = await Promise.all(clients.map(({ answer }) => answer()));
    assert.equal(answers.filter((each) => each?.status === 200).length, 3);
    for (const { socket } of clients) socket.destroy();
    assert.match(await metrics(sidecar), /client_faults_total\{server="tested",fault="too-many"\} 3/);
    await waitFor('room', async () => (await fetch(`${sidecar.url}`).catch(() => undefined))?.status === 405);
  });
});
