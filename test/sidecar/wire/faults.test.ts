/** An exception in the sidecar's own code is the end of one exchange. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, test } from 'node:test';
import { CONFIG_ENV, POD_ENV, type SidecarConfigInput } from '../../../sidecar/config.ts';
import { createFaults } from '../../../sidecar/faults.ts';
import { TESTS_BUNDLES } from '../../bundles/programs.ts';
import { freePorts } from '../../conformance/ports.ts';
import { postModern } from './modern-meta.ts';
import { call, INITIALIZE, post, type Sent } from './post.ts';
import { sendResult, startScriptedServer, type ScriptedServer } from './scripted-server.ts';
import { POD } from './start-sidecar.ts';
import { waitFor } from './wait-for.ts';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

type Event = {
  readonly event: string;
  readonly of?: string;
  readonly error?: string;
  readonly audit_id?: string;
};
interface Running {
  readonly url: string;
  readonly events: Event[];
  readonly child: ReturnType<typeof spawn>;
  readonly exited: Promise<unknown[]>;
  errors(of: string): Promise<number>;
}

/** The program, for the exception must not end it. */
async function startFaulty(
  fault: string,
  upstream: SidecarConfigInput['servers'][0]['upstream'],
): Promise<Running> {
  const [listenPort, adminPort] = (await freePorts(2)) as [number, number];
  const config: SidecarConfigInput = {
    version: 1,
    adminPort,
    drain: { path: '/drain/abcdefghijklmnop', endpointGraceMs: 0, timeoutMs: 1_000 },
    servers: [{ name: 'tested', listenPort, upstream, auth: { mode: 'none' } }],
  };
  const child = spawn(
    process.execPath,
    [
      '--import',
      join(import.meta.dirname, 'inject-fault.ts'),
      join(import.meta.dirname, '../../../sidecar/main.ts'),
    ],
    {
      env: {
        FAULT: fault,
        [CONFIG_ENV]: JSON.stringify(config),
        [POD_ENV.name]: POD.name,
        [POD_ENV.namespace]: POD.namespace,
        [POD_ENV.uid]: POD.uid,
        [POD_ENV.ip]: '127.0.0.1',
        [POD_ENV.node]: POD.node,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  const exited = once(child, 'exit');
  stops.push(() => {
    child.kill('SIGKILL');
    return exited;
  });
  const events: Event[] = [];
  createInterface(child.stderr!).on('line', (line) => void events.push(JSON.parse(line)));
  await waitFor('the server to be found', () => events.some(({ event }) => event === 'server_connected'));
  return {
    url: `http://127.0.0.1:${listenPort}/mcp`,
    events,
    child,
    exited,
    async errors(of) {
      const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
      return Number(new RegExp(`kubectl_mcp_internal_errors_total\\{of="${of}"\\} (\\d+)`).exec(text)?.[1]);
    },
  };
}

/** Its tool `faulty` says what throws; `slow` waits for `release`. */
async function scripted(era: 'legacy' | 'modern'): Promise<ScriptedServer & { release(): void }> {
  const server = await startScriptedServer(0, era);
  stops.push(server.stop);
  const waiting: (() => void)[] = [];
  server.tools = ['faulty', 'slow'].map((name) => ({ name, inputSchema: { type: 'object' } }));
  if (era === 'modern')
    server.answers.set('initialize', (request, response) => {
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({ jsonrpc: '2.0', id: request.message?.id, error: { code: -32022, message: 'no' } }),
      );
    });
  for (const answers of [server.answers, server.answersToSidecar])
    answers.set('tools/call', (request, response) => {
      const name = request.message?.params?.['name'];
      const type = era === 'modern' ? { resultType: 'complete' } : {};
      const give = (text: string) =>
        sendResult(request, response, { ...type, content: [{ type: 'text', text }] });
      if (name === 'faulty') give('FAULTY');
      else waiting.push(() => give('slow and sound'));
    });
  return Object.assign(server, { release: () => waiting.splice(0).forEach((each) => each()) });
}

async function openedSession({ url }: Running): Promise<Record<string, string>> {
  const { headers } = await post(url, INITIALIZE);
  return { 'mcp-session-id': headers.get('mcp-session-id')! };
}

async function assertContained(sidecar: Running, part: string): Promise<void> {
  assert.equal(await sidecar.errors('exchange'), 1);
  assert.equal(await sidecar.errors('none'), 0);
  const told = await waitFor('the word', () => {
    const found = sidecar.events.filter(({ event }) => event === 'internal_error');
    return found.length > 0 && found;
  });
  assert.equal(told.length, 1);
  assert.match(told[0]!.error!, new RegExp(`^Error: injected into ${part}\\n +at .*injectedFault`));
  assert.equal(sidecar.child.exitCode, null);
}

const isInternal = ({ status, body }: Sent): void => {
  assert.equal(status, 500, body);
  assert.equal(JSON.parse(body).error.code, -32603);
  assert.equal(JSON.parse(body).id, 1);
};

describe('an exception', { skip: TESTS_BUNDLES && 'is put into the source' }, () => {
  for (const when of ['now', 'later', 'promise'])
    test(`${when} in what is translated for a client of 2026-07-28 is the end of its call alone`, async () => {
      const server = await scripted('legacy');
      const sidecar = await startFaulty(`legacy ${when}`, { port: server.port, path: '/mcp' });
      const slow = postModern(sidecar.url, 'tools/call', { name: 'slow' });
      await waitFor('the slow call', () => server.requests.some(({ body }) => body.includes('"slow"')));
      isInternal(await postModern(sidecar.url, 'tools/call', { name: 'faulty' }));
      server.release();
      assert.match((await slow).body, /slow and sound/);
      await assertContained(sidecar, 'legacy');
      assert.ok(sidecar.events.find(({ event }) => event === 'internal_error')!.audit_id);
    });

  for (const when of ['now', 'later', 'promise'])
    test(`${when} in what is translated for a client of sessions is the end of its call alone`, async () => {
      const server = await scripted('modern');
      const sidecar = await startFaulty(`modern ${when}`, { port: server.port, path: '/mcp' });
      const headers = await openedSession(sidecar);
      const slow = post(sidecar.url, call('slow', 2), headers);
      await waitFor('the slow call', () => server.requests.some(({ body }) => body.includes('"slow"')));
      isInternal(await post(sidecar.url, call('faulty'), headers));
      server.release();
      assert.match((await slow).body, /slow and sound/);
      await assertContained(sidecar, 'modern');
      assert.ok(sidecar.events.find(({ event }) => event === 'internal_error')!.audit_id);
    });

  test('in the answer to a message of a batch is the answer to that message', async () => {
    const server = await scripted('legacy');
    const sidecar = await startFaulty('batch-part', { port: server.port, path: '/mcp' });
    const { status, body } = await post(sidecar.url, [
      call('faulty'),
      { ...call('faulty', 3), method: 'ping' },
    ]);
    assert.equal(status, 200, body);
    const [faulty, sound] = JSON.parse(body);
    assert.deepEqual([faulty.id, faulty.error.code], [1, -32603]);
    assert.deepEqual(sound, { jsonrpc: '2.0', id: 3, result: {} });
    await assertContained(sidecar, 'batch-part');
  });

  test('in what all answers of a batch are put into is the answer to the batch', async () => {
    const server = await scripted('legacy');
    const sidecar = await startFaulty('batch-whole', { port: server.port, path: '/mcp' });
    const slow = post(sidecar.url, call('slow', 2));
    await waitFor('the slow call', () => server.requests.some(({ body }) => body.includes('"slow"')));
    const answer = await post(sidecar.url, [call('faulty')]);
    assert.equal(answer.status, 500, answer.body);
    assert.equal(JSON.parse(answer.body).error.code, -32603);
    server.release();
    assert.match((await slow).body, /slow and sound/);
    await assertContained(sidecar, 'batch-whole');
  });

  test('in what a client of HTTP+SSE is sent is the answer to its request alone', async () => {
    const server = await scripted('legacy');
    const sidecar = await startFaulty('sse-clients', { port: server.port, path: '/mcp' });
    const one = await oldClient(sidecar.url);
    const other = await oldClient(sidecar.url);
    await other.send(call('slow', 2));
    await one.send(call('faulty'));
    assert.equal((await one.answer(1)).error?.code, -32603);
    server.release();
    assert.match(JSON.stringify(await other.answer(2)), /slow and sound/);
    await assertContained(sidecar, 'sse-clients');
  });

  test('in what an HTTP+SSE server says is the end of the session that it says it to', async () => {
    const server = await scripted('legacy');
    const sse = await sseServer();
    const sidecar = await startFaulty('channel', { transport: 'sse', port: sse, path: '/sse' });
    const one = await openedSession(sidecar);
    const other = await openedSession(sidecar);
    const slow = post(sidecar.url, call('slow', 2), other);
    isInternal(await post(sidecar.url, call('faulty'), one));
    assert.match((await slow).body, /slow and sound/);
    await assertContained(sidecar, 'channel');
    void server;
  });

  test('of nobody’s is said, and the process ends when the calls under way are over', async () => {
    const server = await scripted('legacy');
    const sidecar = await startFaulty('nobody', { port: server.port, path: '/mcp' });
    const slow = post(sidecar.url, call('slow', 2));
    await waitFor('the slow call', () => server.requests.some(({ body }) => body.includes('"slow"')));
    sidecar.child.kill('SIGUSR2');
    await waitFor('the word', () => sidecar.events.some(({ of }) => of === 'none'));
    server.release();
    assert.match((await slow).body, /slow and sound/);
    assert.deepEqual(await sidecar.exited, [1, null]);
  });
});

test('an error of a connection that nobody listens to is nobody’s end', () => {
  const told: unknown[] = [];
  const faults = createFaults((event, fields) => void told.push([event, fields?.['of']]));
  const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' });
  assert.equal(faults.uncaught(reset), 'safe');
  assert.equal(
    faults.uncaught(Object.assign(new Error('EMFILE'), { code: 'EMFILE', syscall: 'open' })),
    'unsafe',
  );
  assert.deepEqual(told, [
    ['internal_error', 'connection'],
    ['internal_error', 'none'],
  ]);
  assert.deepEqual(faults.counts(), { exchange: 0, connection: 1, none: 1 });
});

interface Message {
  readonly id?: unknown;
  readonly error?: { readonly code: number };
}

async function oldClient(url: string) {
  const response = await fetch(url.replace(/mcp$/, 'sse'), { signal: AbortSignal.timeout(20_000) });
  const messages: Message[] = [];
  let endpoint: string | undefined;
  const read = async (): Promise<void> => {
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body!) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      const events = text.split('\n\n');
      text = events.pop()!;
      for (const event of events) {
        const data = /^data: ?(.*)$/m.exec(event)?.[1];
        if (event.startsWith('event: endpoint')) endpoint = data;
        else if (data !== undefined) messages.push(JSON.parse(data) as Message);
      }
    }
  };
  // The program is ended under it.
  read().catch(() => undefined);
  await waitFor('the endpoint', () => endpoint);
  const send = async (message: unknown): Promise<void> =>
    assert.equal((await post(new URL(endpoint!, url).href, message)).status, 202);
  const answer = (id: unknown): Promise<Message> =>
    waitFor(`the answer to ${String(id)}`, () =>
      messages.find((each) => each.id === id && !('method' in each)),
    );
  await send(INITIALIZE);
  await answer(0);
  return { send, answer };
}

/** Answers on its stream; `slow` a moment after `faulty`. */
async function sseServer(): Promise<number> {
  const { createServer } = await import('node:http');
  const { text } = await import('node:stream/consumers');
  const streams = new Map<string, (message: object) => void>();
  const late: (() => void)[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://localhost');
    if (request.method === 'GET') {
      const id = String(streams.size);
      streams.set(
        id,
        (message) => void response.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`),
      );
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`event: endpoint\ndata: /messages?session=${id}\n\n`);
      return;
    }
    void text(request).then((body) => {
      response.writeHead(202).end();
      const { id, method, params } = JSON.parse(body);
      const give = (result: object) =>
        streams.get(url.searchParams.get('session')!)!({ jsonrpc: '2.0', id, result });
      if (method === 'initialize')
        give({ protocolVersion: '2024-11-05', capabilities: {}, serverInfo: { name: 's', version: '1' } });
      else if (method === 'tools/call' && params.name === 'slow')
        late.push(() => give({ content: [{ type: 'text', text: 'slow and sound' }] }));
      else if (method === 'tools/call') {
        give({ content: [{ type: 'text', text: 'FAULTY' }] });
        setTimeout(() => late.splice(0).forEach((each) => each()), 100);
      } else if (id !== undefined) give({});
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(() => server.close().closeAllConnections());
  return (server.address() as AddressInfo).port;
}
