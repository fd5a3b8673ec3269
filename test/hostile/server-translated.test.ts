/** The same broken and hostile answers, to callers of the other era: nothing passes unread, nothing hangs. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { postModern } from '../sidecar/wire/modern-meta.ts';
import { call, initialize, post } from '../sidecar/wire/post.ts';
import { startSidecar, untilHealth, type TestSidecar } from '../sidecar/wire/start-sidecar.ts';
import { HOSTILE_ANSWERS } from './hostile-answers.ts';
import { answer, startRawServer, stream, type RawRequest, type RawServer } from './raw-server.ts';

/** What only a translation reads: messages inside events that are no messages, or of the wrong kind. */
const EVENTS: readonly (readonly [string, string])[] = [
  ['no JSON', '{"jsonrpc":'],
  ['half a string', '{"id":"'],
  ['a bad escape in a key', '{"\\x":1,"method":"notifications/progress"}'],
  ['a list', '[{"jsonrpc":"2.0","id":1,"result":{}}]'],
  ['a number', '7'],
  ['a method that is none', '{"method":7,"id":1}'],
  ['a question without params', '{"jsonrpc":"2.0","id":"q","method":"elicitation/create"}'],
  [
    'a question whose params are a list',
    '{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":[1]}',
  ],
  ['a question nobody may ask', '{"jsonrpc":"2.0","id":"q","method":"sampling/createMessage","params":{}}'],
  ['progress without params', '{"jsonrpc":"2.0","method":"notifications/progress"}'],
  ['an answer to another request', '{"jsonrpc":"2.0","id":424242,"result":{"content":[]}}'],
  ['an answer that is text', '{"jsonrpc":"2.0","id":ID,"result":"x"}'],
  ['an answer that is neither', '{"jsonrpc":"2.0","id":ID}'],
  ['an error that is text', '{"jsonrpc":"2.0","id":ID,"error":"x"}'],
  ['a deep answer', `{"jsonrpc":"2.0","id":ID,"result":{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`],
];

const CASES = [
  ...HOSTILE_ANSWERS.map(({ title }, index) => [title, `tool-${index}`] as const),
  ...EVENTS.map(([what], index) => [`sends ${what}`, `event-${index}`] as const),
];

function script(server: RawServer): void {
  for (const [index, { does }] of HOSTILE_ANSWERS.entries()) server.scripts.set(`tool-${index}`, does);
  for (const [index, [, data]] of EVENTS.entries())
    server.scripts.set(`event-${index}`, (request: RawRequest) => {
      stream(request)(`data: ${data.replace('ID', JSON.stringify(request.message?.id))}\n\n`);
    });
}

describe('a caller of 2026-07-28 whose server, of the era of sessions,', { concurrency: true }, () => {
  let server: RawServer;
  let sidecar: TestSidecar;
  let over = false;
  let bystander: Promise<number>;

  before(async () => {
    server = await startRawServer();
    script(server);
    // A session of the sidecar's for a client looks to this server like the sidecar's own.
    for (const [name, does] of server.scripts) server.scriptsToSidecar.set(name, does);
    sidecar = await startSidecar({
      upstreamPort: server.port,
      upstream: { requestTimeoutMs: 2_500 },
      edge: { limits: { streamsPerPrincipal: 500, requestsInFlightPerPrincipal: 500 } },
    });
    await untilHealth(sidecar, 'healthy');
    bystander = (async () => {
      for (let nth = 0; ; nth++) {
        if (over) return nth;
        const marker = `bystander-${nth}`;
        const { last } = await ask('echo', marker, { marker });
        assert.deepEqual([last.id, last.result.content], [marker, [{ type: 'text', text: marker }]]);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
  });
  after(async () => {
    over = true;
    const [calls] = await Promise.allSettled([bystander]);
    await sidecar.stop();
    await server.stop();
    if (calls.status === 'rejected') throw calls.reason;
    assert.ok(calls.value > 10);
  });

  const ask = (tool: string, id: string, args: object = {}) =>
    postModern(
      sidecar.url,
      'tools/call',
      { name: tool, arguments: args },
      { id, capabilities: { elicitation: {} }, meta: { progressToken: id } },
    );

  for (const [title, tool] of CASES)
    test(`${title}: gets an answer or an error under its own id`, async () => {
      const { status, last } = await ask(tool, `id of ${tool}`);
      assert.equal(last.id, `id of ${tool}`, JSON.stringify(last));
      if (status === 200) assert.ok(last.result?.resultType ?? last.error, JSON.stringify(last));
      else assert.ok(last.error.code && status >= 400, JSON.stringify(last));
    });
});

const REFUSED =
  '{"jsonrpc":"2.0","id":null,"error":{"code":-32022,"message":"Unsupported protocol version"}}';
/** What a server of 2026-07-28 may ask, and what it may not. */
const RESULTS: readonly (readonly [string, string, RegExp])[] = [
  ['asks for nothing', '{"resultType":"input_required"}', /asked 10 times|resultType|"error"/],
  ['asks what is no question', '{"resultType":"input_required","inputRequests":{"a":7}}', /without a method/],
  ['asks with a list', '{"resultType":"input_required","inputRequests":[1]}', /"error"/],
  ['answers with a task', '{"resultType":"task","taskId":"1"}', /a task without a status/],
  ['answers with a type that is none', '{"resultType":7}', /does not know/],
];

describe('a caller of the era of sessions whose server, of 2026-07-28 alone,', { concurrency: true }, () => {
  let server: RawServer;
  let sidecar: TestSidecar;
  let session: Record<string, string>;

  before(async () => {
    server = await startRawServer(0, 'modern');
    script(server);
    server.scripts.set('initialize', (request) => answer(request, 400, REFUSED));
    for (const [index, [, result]] of RESULTS.entries())
      // The later rounds have ids of the sidecar's own.
      for (const scripts of [server.scripts, server.scriptsToSidecar])
        scripts.set(`result-${index}`, (request) =>
          answer(
            request,
            200,
            `{"jsonrpc":"2.0","id":${JSON.stringify(request.message?.id)},"result":${result}}`,
          ),
        );
    sidecar = await startSidecar({
      upstreamPort: server.port,
      upstream: { requestTimeoutMs: 2_500 },
      edge: { limits: { requestsInFlightPerPrincipal: 500 } },
    });
    await untilHealth(sidecar, 'healthy');
    session = { 'mcp-session-id': await initialize(sidecar.url) };
  });
  after(async () => {
    await sidecar.stop();
    await server.stop();
  });

  async function ask(tool: string): Promise<{ status: number; body: string; last: { id: unknown } }> {
    const { status, body } = await post(sidecar.url, call(tool, `id of ${tool}`), session);
    const [last = ''] = body.trimEnd().split('\n').slice(-1);
    return { status, body, last: JSON.parse(last.replace(/^data: /, '')) };
  }

  for (const [title, tool] of CASES)
    test(`${title}: gets an answer or an error under its own id`, async () => {
      const { last } = await ask(tool);
      assert.equal(last.id, `id of ${tool}`, JSON.stringify(last));
    });

  for (const [index, [title, , words]] of RESULTS.entries())
    test(`${title}: gets an error that says so`, async () => {
      const { body, last } = await ask(`result-${index}`);
      assert.match(body, words);
      assert.equal(last.id, `id of result-${index}`);
    });

  test('still serves', async () => {
    assert.equal((await post(sidecar.url, { jsonrpc: '2.0', id: 1, method: 'ping' }, session)).status, 200);
  });
});
