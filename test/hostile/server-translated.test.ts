/** The same broken and hostile answers, to callers of 2026-07-28 in front of a server of sessions: nothing passes unread. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { postModern } from '../sidecar/wire/modern-meta.ts';
import { startSidecar, untilHealth, type TestSidecar } from '../sidecar/wire/start-sidecar.ts';
import { HOSTILE_ANSWERS } from './hostile-answers.ts';
import { startRawServer, stream, type RawRequest, type RawServer } from './raw-server.ts';

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

describe('a caller of 2026-07-28 whose server, of the era of sessions,', { concurrency: true }, () => {
  let server: RawServer;
  let sidecar: TestSidecar;
  let over = false;
  let bystander: Promise<number>;

  before(async () => {
    server = await startRawServer();
    for (const [index, { does }] of HOSTILE_ANSWERS.entries()) server.scripts.set(`tool-${index}`, does);
    for (const [index, [, data]] of EVENTS.entries())
      server.scripts.set(`event-${index}`, (request: RawRequest) => {
        stream(request)(`data: ${data.replace('ID', String(request.message?.id))}\n\n`);
      });
    // A session of the sidecar's for a client looks to this server like the sidecar's own.
    for (const [name, script] of server.scripts) server.scriptsToSidecar.set(name, script);
    sidecar = await startSidecar({
      upstreamPort: server.port,
      upstream: { requestTimeoutMs: 1_000 },
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

  const cases = [
    ...HOSTILE_ANSWERS.map(({ title }, index) => [title, `tool-${index}`] as const),
    ...EVENTS.map(([what], index) => [`sends ${what}`, `event-${index}`] as const),
  ];
  for (const [title, tool] of cases)
    test(`${title}: gets an answer or an error under its own id`, async () => {
      const { status, last } = await ask(tool, `id of ${tool}`);
      assert.equal(last.id, `id of ${tool}`, JSON.stringify(last));
      if (status === 200) assert.ok(last.result?.resultType ?? last.error, JSON.stringify(last));
      else assert.ok(last.error.code && status >= 400, JSON.stringify(last));
    });
});
