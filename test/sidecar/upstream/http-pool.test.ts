import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createHttpPool, type HttpPool } from '../../../sidecar/upstream/http-pool.ts';
import type { UpstreamRequest } from '../../../sidecar/upstream/upstream-call.ts';
import type { UpstreamError } from '../../../sidecar/upstream/upstream-error.ts';
import { answer, result, startRawServer, stream, type RawServer } from '../../hostile/raw-server.ts';
import { waitFor } from '../wire/wait-for.ts';

const stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

async function start(
  options: Partial<Parameters<typeof createHttpPool>[0]> = {},
): Promise<{ server: RawServer; pool: HttpPool }> {
  const server = await startRawServer();
  stops.push(server.stop);
  const pool = createHttpPool({ addresses: ['127.0.0.1'], port: server.port, path: '/mcp', ...options });
  stops.push(() => pool.close());
  return { server, pool };
}

const request = (method: string, more: Partial<UpstreamRequest> = {}): UpstreamRequest => ({
  method: 'POST',
  headerLines: '',
  body: Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method })),
  ...more,
});

interface Got {
  status?: number;
  body: string;
  error?: UpstreamError;
}

function send(pool: HttpPool, given: UpstreamRequest): Promise<Got> {
  return new Promise((resolve) => {
    const got: Got = { body: '' };
    pool.send(given, {
      head: ({ status }) => void (got.status = status),
      chunk: (bytes) => void (got.body += bytes.toString()),
      end: () => resolve(got),
      fail: (error) => resolve({ ...got, error }),
    });
  });
}

const nth = (server: RawServer): number[] => server.requests.map((each) => each.nth);

describe('connections to the server', () => {
  test('carry one exchange after another, of one caller alone', async () => {
    const { server, pool } = await start();
    for (const owner of ['alice', 'alice', 'bob', 'alice', undefined])
      await send(pool, request('ping', owner === undefined ? {} : { owner }));
    assert.deepEqual(nth(server), [1, 2, 1, 3, 1]);
  });

  test('are not used again when they were idle for so long that the server may be closing them', async () => {
    const { server, pool } = await start();
    await send(pool, request('ping'));
    // A second, and the sweep that notices.
    await delay(1_700);
    await send(pool, request('ping'));
    assert.deepEqual(nth(server), [1, 1]);
    await waitFor('the end of the idle ones', () => server.connections.size === 0);
  });

  test('are used again for half as long as the server keeps them', async () => {
    const { server, pool } = await start();
    for (const seconds of [1, 0]) {
      server.scripts.set('ping', (each) => result(each, {}, `Keep-Alive: timeout=${seconds}, max=5\r\n`));
      server.requests.length = 0;
      await send(pool, request('ping'));
      await send(pool, request('ping'));
      assert.equal(nth(server).at(-1), seconds === 0 ? 1 : 2);
      await delay(550);
      await send(pool, request('ping'));
      assert.equal(nth(server).at(-1), 1);
    }
  });

  test('are given up when bytes come that nobody asked for', async () => {
    const { server, pool } = await start();
    server.scripts.set('ping', (each) => {
      result(each, {});
      setTimeout(() => each.socket.write('HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n'), 20);
    });
    await send(pool, request('ping'));
    await waitFor('the end of the connection', () => server.connections.size === 0);
    server.scripts.clear();
    assert.equal((await send(pool, request('ping'))).status, 200);
  });

  test('are given up when the answer is there before the request is', async () => {
    const { server, pool } = await start();
    server.atHead = (_, socket) => {
      socket.write('HTTP/1.1 413 X\r\nContent-Length: 0\r\n\r\n');
      // As a server that does not read on.
      socket.pause();
      return true;
    };
    const large = Buffer.alloc(8 * 1024 * 1024, 'x');
    assert.equal((await send(pool, { ...request('x'), body: large })).status, 413);
    server.atHead = undefined;
    await send(pool, request('ping'));
    assert.deepEqual(nth(server), [1]);
  });
});

const dying = (server: RawServer, bytes = ''): void => {
  for (const method of ['tools/list', 'tools/call'])
    server.scripts.set(method, (each) => {
      if (each.nth === 1) return result(each, {});
      each.socket.write(bytes, () => each.socket.destroy());
    });
};

describe('a kept connection that dies under a request', () => {
  test('is made up for where the request may be done twice', async () => {
    const { server, pool } = await start();
    dying(server);
    const repeatable = request('tools/list', { repeatable: true });
    for (let each = 0; each < 2; each++) assert.equal((await send(pool, repeatable)).status, 200);
    assert.deepEqual(nth(server), [1, 2, 1]);
  });

  test('is told of where it may not: nothing is sent twice', async () => {
    const { server, pool } = await start();
    dying(server);
    await send(pool, request('tools/list'));
    assert.equal((await send(pool, request('tools/list'))).error?.fault, 'broken');
    assert.deepEqual(nth(server), [1, 2]);
  });

  test('is told of once a byte of the answer has come, and on a new connection', async () => {
    const { server, pool } = await start();
    dying(server, 'H');
    const repeatable = request('tools/list', { repeatable: true });
    await send(pool, repeatable);
    assert.equal((await send(pool, repeatable)).error?.fault, 'broken');
    server.scripts.set('tools/list', ({ socket }) => socket.destroy());
    assert.equal((await send(pool, repeatable)).error?.fault, 'broken');
    assert.deepEqual(nth(server), [1, 2, 1]);
  });
});

describe('a request', () => {
  test('that is aborted tells nothing more, in the middle of what has come', async () => {
    const { server, pool } = await start();
    server.scripts.set('ping', (each) => {
      const write = stream(each);
      write('a');
      write('b');
      each.socket.write('0\r\n\r\n');
    });
    const told: string[] = [];
    const sent = pool.send(request('ping'), {
      head: () => void told.push('head'),
      chunk(bytes) {
        told.push(bytes.toString());
        sent.abort();
      },
      end: () => void told.push('end'),
      fail: () => void told.push('fail'),
    });
    await waitFor('the end of the connection', () => server.requests[0]?.socket.destroyed);
    assert.deepEqual(told, ['head', 'a']);
  });

  test('has its whole time when it does not just listen any more', async () => {
    const { server, pool } = await start({ requestTimeoutMs: 600 });
    let listens = true;
    server.scripts.set('asks', (each) => {
      setTimeout(() => (listens = false), 1_500);
      setTimeout(() => result(each, 1), 1_850);
    });
    const { method, headerLines, body } = request('asks');
    const { status, error } = await send(pool, {
      method,
      headerLines,
      body: body!,
      get listens() {
        return listens;
      },
    });
    assert.deepEqual([status, error], [200, undefined]);
  });

  test('is given up when no byte comes, not when one comes now and then, nor when it just listens', async () => {
    const { server, pool } = await start({ requestTimeoutMs: 300 });
    server.scripts.set('silent', () => undefined);
    const { error } = await send(pool, request('silent'));
    assert.deepEqual([error?.fault, error?.message], ['timeout', 'no byte came for 0.3 s']);
    server.scripts.set('drips', (each) => {
      const write = stream(each);
      let left = 5;
      const timer = setInterval(() => {
        if (left-- > 0) return write('.');
        clearInterval(timer);
        each.socket.write('0\r\n\r\n');
      }, 100);
    });
    assert.equal((await send(pool, request('drips'))).body, '.....');
    const listening = send(pool, request('silent', { listens: true }));
    assert.equal(await Promise.race([listening, delay(800, 'still there')]), 'still there');
  });

  test('whose answer nobody takes is given up too, also where it just listens', async () => {
    const { server, pool } = await start({ requestTimeoutMs: 300 });
    server.scripts.set('listen', (each) => stream(each)('a'));
    const error = await new Promise<UpstreamError>((resolve) => {
      const sent = pool.send(request('listen', { listens: true }), {
        head: () => undefined,
        chunk: () => sent.pause(),
        end: () => undefined,
        fail: resolve,
      });
    });
    assert.equal(error.fault, 'stalled');
  });

  test('carries the headers that are added, and does not leave without them', async () => {
    let lines: string | undefined;
    const { server, pool } = await start({ addedHeaders: () => lines });
    assert.equal((await send(pool, request('ping'))).error?.fault, 'unready');
    lines = 'X-Key: s3cret\r\n';
    assert.equal((await send(pool, request('ping'))).status, 200);
    assert.equal(server.requests.length, 1);
    assert.match(server.requests[0]!.head, /^X-Key: s3cret$/m);
  });

  test('ends with the pool, whether it waits for an answer or has none to expect', async () => {
    const { server, pool } = await start();
    server.scripts.set('held', () => undefined);
    const held = send(pool, request('held'));
    await waitFor('the request', () => server.requests.length);
    const dialling = send(pool, request('held'));
    pool.close();
    for (const each of [held, dialling, send(pool, request('ping'))])
      assert.equal((await each).error?.message, 'closed');
    answer(server.requests[0]!, 200, '{}');
  });
});
