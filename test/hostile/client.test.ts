/**
 * Clients that break every rule of HTTP. Each gets one clear answer, or none and the connection's end; the server sees
 * nothing of it, and a client that keeps the rules gets its own answers all the while.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { call, post as send } from '../sidecar/wire/post.ts';
import { sendResult, startScriptedServer, type ScriptedServer } from '../sidecar/wire/scripted-server.ts';
import { startSidecar, untilHealth, type TestSidecar } from '../sidecar/wire/start-sidecar.ts';
import { waitFor } from '../sidecar/wire/wait-for.ts';
import { answerTo, rawClient } from './raw-client.ts';
import { post, RUDE_REQUESTS, SMUGGLED_TOOL } from './rude-requests.ts';

let server: ScriptedServer;
let sidecar: TestSidecar;
let over = false;
let bystander: Promise<number>;

before(async () => {
  server = await startScriptedServer();
  // Whose answer it is stands in it.
  server.answers.set('tools/call', (request, response) =>
    sendResult(request, response, {
      content: [{ type: 'text', text: JSON.stringify(request.message?.params) }],
    }),
  );
  sidecar = await startSidecar({ upstreamPort: server.port });
  await untilHealth(sidecar, 'healthy');
  bystander = callAllTheWhile();
});
after(async () => {
  over = true;
  const calls = await bystander;
  await sidecar.stop();
  await server.stop();
  assert.ok(calls > 20, `${calls} calls of the bystander`);
});

async function callAllTheWhile(): Promise<number> {
  let count = 0;
  // oxlint-disable-next-line no-unmodified-loop-condition -- set while it waits
  for (; !over; count++) {
    const word = `bystander-${count}`;
    const { status, body } = await send(sidecar.url, call('echo', word, { word }));
    assert.equal(status, 200, body);
    const { id, result } = JSON.parse(body);
    assert.equal(id, word);
    assert.deepEqual(JSON.parse(result.content[0].text), { name: 'echo', arguments: { word } });
  }
  return count;
}

async function gauge(name: string): Promise<number> {
  const text = await (await fetch(`${sidecar.adminUrl}/metrics`)).text();
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1]);
}

describe('a request with', () => {
  for (const { name, bytes, status } of RUDE_REQUESTS)
    test(`${name} is answered ${status}`, async () => {
      const answer = await answerTo(sidecar.listenPort, bytes);
      assert.equal(answer?.status ?? 'closed', status, answer?.body ?? '');
      if (!answer) return;
      // Refusals too are JSON-RPC.
      assert.equal(JSON.parse(answer.body).jsonrpc, '2.0', answer.body);
    });

  test('none of them a call that was hidden in another', () => {
    const tools = server.fromClients().map(({ message }) => message?.params?.['name']);
    assert.ok(!tools.includes(SMUGGLED_TOOL));
  });
});

describe('of a head', () => {
  test('nothing reaches the server but what is on the list, however it is spelt', async () => {
    const body = JSON.stringify(call('echo', 'spelt'));
    const spelt = [
      'mcp_session_id: a',
      'Mcp_Name: a',
      'MCP_PROTOCOL_VERSION: 1',
      'mcp-session-id_: a',
      'mcp-session-idx: a',
      'X-Mcp-Session-Id: a',
      '__proto__: a',
      'constructor: a',
      'toString: a',
      'Mcp-Param-Region: eu',
      'COOKIE: a',
      'Proxy-Authorization: a',
      'Keep-Alive: a',
      'Connection: X-Hop, Mcp-Method',
      'X-Hop: a',
      'TE: trailers',
      'Via: a',
      'X-Forwarded-Host: evil',
      'X-HTTP-Method-Override: DELETE',
      'Content-Location: /a',
      'Range: bytes=0-1',
      'mCP-mETHOD: tools/call',
      'Last-Event-ID: caf\xc3\xa9',
    ];
    const answer = await answerTo(
      sidecar.listenPort,
      `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json;charset=utf-8\r\n${spelt.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    assert.equal(answer?.status, 200, answer?.body ?? '');
    const seen = server.fromClients().find(({ message }) => message?.id === 'spelt');
    const names = seen?.rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
    assert.deepEqual(names?.toSorted(), [
      'accept',
      'content-length',
      'content-type',
      'host',
      'last-event-id',
    ]);
    assert.equal(seen?.headers['last-event-id'], 'caf\xc3\xa9');
    assert.equal(seen?.headers['content-type'], 'application/json');
  });
});

describe('a client that leaves', () => {
  const whole = post('echo');
  const stages: readonly (readonly [string, string])[] = [
    ['at once', ''],
    ['within the request line', 'POST /m'],
    ['within the headers', whole.slice(0, 60)],
    ['before the body', whole.slice(0, whole.indexOf('\r\n\r\n') + 4)],
    ['within the body', whole.slice(0, -5)],
    ['without waiting for the answer', whole],
    ['with three answers to come', whole + whole + whole],
    ['behind a CONNECT', 'CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['within its second request', whole + whole.slice(0, 50)],
  ];
  for (const [when, bytes] of stages) {
    for (const how of ['destroy', 'resetAndDestroy', 'end'] as const)
      test(`${when} (${how}) leaves nothing behind`, async () => {
        const clients = await Promise.all(Array.from({ length: 10 }, () => rawClient(sidecar.listenPort)));
        for (const { write } of clients) if (bytes) write(bytes);
        if (how !== 'end') await new Promise((resolve) => setTimeout(resolve, 5));
        for (const { socket } of clients) socket[how]();
        await Promise.all(clients.map(({ closed }) => closed()));
        for (const { socket } of clients) socket.destroy();
        // The bystander's.
        await waitFor(
          'the connections to be gone',
          async () => (await gauge('kubectl_mcp_connections')) <= 2,
        );
        await waitFor('the calls to be over', async () => (await gauge('kubectl_mcp_calls_in_flight')) <= 1);
      });
  }

  test('cancels its call at the server, also one that waits behind another', async () => {
    const seen = server.fromClients().length;
    server.answers.set('slow/call', () => undefined);
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'slow/call' });
    const bytes = `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const client = await rawClient(sidecar.listenPort);
    client.write(bytes + bytes);
    const slow = () =>
      server
        .fromClients()
        .slice(seen)
        .filter(({ message }) => message?.method === 'slow/call');
    await waitFor('both calls', () => slow().length === 2);
    client.socket.destroy();
    await waitFor('both to be cut', () => slow().every(({ cut }) => cut));
    await waitFor('the calls to be over', async () => (await gauge('kubectl_mcp_calls_in_flight')) <= 1);
  });
});

describe('a client that pipelines', () => {
  test('gets its answers in order', async () => {
    const client = await rawClient(sidecar.listenPort);
    client.write(post('echo', { id: 'one' }) + post('echo', { id: 'two' }) + post('echo', { id: 'three' }));
    for (const id of ['one', 'two', 'three']) assert.equal(JSON.parse((await client.answer())!.body).id, id);
    client.socket.destroy();
  });

  test('without end is disconnected', async () => {
    const client = await rawClient(sidecar.listenPort);
    client.write(post('echo').repeat(1_000));
    await client.closed();
    client.socket.destroy();
    await waitFor('the calls to be over', async () => (await gauge('kubectl_mcp_calls_in_flight')) <= 1);
    const text = await (await fetch(`${sidecar.adminUrl}/metrics`)).text();
    assert.match(text, /kubectl_mcp_client_faults_total\{server="tested",fault="pipelined"\} [1-9]/);
  });

  test('garbage behind a call gets no answer that could be taken for the call’s', async () => {
    server.answers.set('slow/call', () => undefined);
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'slow/call' });
    const client = await rawClient(sidecar.listenPort);
    client.write(
      `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    client.write('GARBAGE\r\n\r\n');
    await client.closed();
    assert.equal(client.rest(), '');
    client.socket.destroy();
  });
});
