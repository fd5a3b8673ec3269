import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Link } from '../../../../sidecar/upstream/stdio/link.ts';
import type { Links } from '../../../../sidecar/upstream/stdio/links.ts';
import { readLine } from '../../../../sidecar/upstream/stdio/read-line.ts';
import { createSharedProcess } from '../../../../sidecar/upstream/stdio/shared-process.ts';
import { createStdioPool, type StdioPool } from '../../../../sidecar/upstream/stdio/stdio-pool.ts';
import type { UpstreamEvents, UpstreamRequest } from '../../../../sidecar/upstream/upstream-call.ts';

const MAX_SESSIONS = 2_048;
const nothing = () => undefined;

function shared() {
  const faults: unknown[] = [];
  const link = new Link(false, { closed: nothing, faulted: nothing });
  link.channel = { send: nothing, pause: nothing, resume: nothing, close: nothing };
  const result = { protocolVersion: '2025-11-25', capabilities: {} };
  const pool = createStdioPool({
    links: {} as Links,
    target: { sessions: 'shared', modern: 'shared', idleSeconds: 1, startSeconds: 1 },
    shared: createSharedProcess(async () => ({
      link,
      era: 'legacy',
      version: '2025-11-25',
      capabilities: {},
      result,
    })),
    own: () => link,
    faulted: (error) => void faults.push(error),
  });
  return { link, pool, faults };
}

function ask(pool: StdioPool, request: UpstreamRequest): Promise<{ status: number; session: string }> {
  return new Promise((resolve, reject) => {
    pool.send(request, {
      head: ({ status, headers }) => resolve({ status, session: headers.get('mcp-session-id') ?? '' }),
      chunk: nothing,
      end: nothing,
      fail: reject,
    });
  });
}

const initialize: UpstreamRequest = {
  method: 'POST',
  headerLines: '',
  body: Buffer.from(
    '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}',
  ),
};
const on = (session: string, request: Partial<UpstreamRequest> = {}): UpstreamRequest => ({
  method: 'POST',
  headerLines: `mcp-session-id: ${session}\r\n`,
  body: Buffer.from('{"jsonrpc":"2.0","id":2,"method":"ping"}'),
  ...request,
});

describe('a call on a process', () => {
  test('fails alone when its answer is no JSON', () => {
    const link = new Link(false, { closed: nothing, faulted: assert.fail });
    for (const [index, method] of ['tools/call', 'subscriptions/listen'].entries()) {
      const failed: string[] = [];
      const body = Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"${method}","params":{}}`);
      const events = {
        head: () => assert.fail('a head'),
        chunk: () => assert.fail('a chunk'),
        end: () => assert.fail('an end'),
        fail: ({ message }: Error) => void failed.push(message),
      };
      link.ask(body, events, { id: '1', method, isModern: true });
      const member = method === 'tools/call' ? 'error' : 'result';
      const answer = Buffer.from(`{"jsonrpc":"2.0","id":${index + 1},"${member}":{"\\q":`);
      link.message(answer, readLine(answer)!);
      assert.equal(failed.length, 1, method);
      assert.match(failed[0]!, /^the answer is no JSON/);
    }
    assert.equal(link.over, undefined);
  });

  test('may be silent while its client is being asked, and has its whole time again afterwards', () => {
    const link = new Link(false, { closed: nothing, faulted: assert.fail });
    const failed: string[] = [];
    let listens = true;
    const body = Buffer.from('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a"}}');
    const events = {
      head: nothing,
      chunk: nothing,
      end: nothing,
      fail: ({ fault }: { fault: string }) => void failed.push(fault),
    };
    const request = {
      get listens() {
        return listens;
      },
    };
    link.ask(body, events, { id: '1', method: 'tools/call', request, isModern: true });
    const startMs = performance.now();
    link.sweep(startMs + 5_000, 1_000);
    listens = false;
    link.sweep(startMs + 5_900, 1_000);
    assert.deepEqual(failed, []);
    link.sweep(startMs + 6_100, 1_000);
    assert.deepEqual(failed, ['timeout']);
  });
});

describe('a process that all have', () => {
  test('forgets sessions that nobody ends, those that were used longest ago; not who listens', async () => {
    const { link, pool } = shared();
    const [listening, used, left] = [
      await ask(pool, initialize),
      await ask(pool, initialize),
      await ask(pool, initialize),
    ];
    pool.send(
      { method: 'GET', headerLines: `mcp-session-id: ${listening.session}\r\n` },
      { head: nothing, chunk: nothing, end: () => assert.fail('it listens'), fail: assert.fail },
    );
    for (let each = 3; each < MAX_SESSIONS; each++) await ask(pool, initialize);
    assert.equal((await ask(pool, on(used.session))).status, 200);
    await ask(pool, initialize);
    assert.equal(link.sessions.size, MAX_SESSIONS);
    assert.equal((await ask(pool, on(left.session))).status, 404);
    for (const { session } of [listening, used]) assert.equal((await ask(pool, on(session))).status, 200);
  });

  test('outlives whoever throws at what it says', async () => {
    const { link, pool, faults } = shared();
    const { session } = await ask(pool, initialize);
    const failed: string[] = [];
    const throwing: UpstreamEvents = {
      head() {
        throw new Error('a fault of ours');
      },
      chunk: nothing,
      end: nothing,
      fail: ({ fault }) => void failed.push(fault),
    };
    pool.send({ method: 'GET', headerLines: `mcp-session-id: ${session}\r\n` }, throwing);
    await new Promise(setImmediate);
    const [only] = link.sessions;
    assert.ok(only?.give(Buffer.from('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}')));
    assert.deepEqual([failed, faults.length], [['internal'], 1]);
    assert.equal(link.over, undefined);
  });
});
