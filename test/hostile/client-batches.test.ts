/** Batches as weapons: no message gets in that would not alone, nothing is left behind, and others go on. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { call, HEADERS, post } from '../sidecar/wire/post.ts';
import { as, start, tokens } from '../sidecar/wire/proxied.ts';
import { sendResult, startStream } from '../sidecar/wire/scripted-server.ts';
import type { TestSidecar } from '../sidecar/wire/start-sidecar.ts';
import { waitFor } from '../sidecar/wire/wait-for.ts';

const CALL = JSON.stringify(call('echo', 1));
const calls = (count: number) => Array.from({ length: count }, (_, id) => call('echo', id));
const underWay = async ({ adminUrl }: TestSidecar): Promise<number> => {
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  return Number(/^kubectl_mcp_calls_in_flight(?:\{[^}]*\})? (\S+)$/m.exec(text)?.[1]);
};

const REFUSED: Record<string, string> = {
  'no message': '[]',
  'a batch inside': `[[${CALL}]]`,
  'a batch behind a message': `[${CALL},[${CALL}]]`,
  'brackets without end': '['.repeat(100_000),
  'a hundred thousand commas': `[${','.repeat(100_000)}]`,
  'quotes that never end': `[${CALL},"${'\\"'.repeat(100_000)}`,
  '51 messages': JSON.stringify(calls(51)),
  'fifty thousand messages': `[${'{},'.repeat(50_000)}{}]`,
  'one id twice': `[${CALL},${CALL}]`,
  'a second reading in the last message': `[${CALL},${CALL.replace('"id":1', '"id":2,"Method":"ping"')}]`,
  'a lone surrogate in the last message': `[${CALL},${CALL.replace('"id":1', '"id":"\\ud800"')}]`,
  'something behind it': `[${CALL}]${CALL}`,
};

describe('of a batch with', () => {
  for (const [what, body] of Object.entries(REFUSED))
    test(`${what} the server sees nothing`, async () => {
      const { server, sidecar } = await start();
      assert.equal((await post(sidecar.url, body)).status, 400);
      assert.deepEqual(server.fromClients(), []);
      assert.equal((await post(sidecar.url, CALL)).status, 200);
    });
});

describe('a batch', () => {
  test('is nobody’s without a token, and is not read', async () => {
    const { server, sidecar } = await start({ auth: tokens()! });
    assert.equal((await post(sidecar.url, calls(2))).status, 401);
    assert.equal((await post(sidecar.url, calls(2), as('alice'))).status, 200);
    assert.equal(server.fromClients().length, 2);
  });

  test('hides no tool that the filter denies', async () => {
    const { server, sidecar } = await start({ filter: { allowTools: ['echo'] } });
    const { body } = await post(sidecar.url, [...calls(3), call('secret', 'x')]);
    assert.equal(JSON.parse(body).find(({ id }: { id: unknown }) => id === 'x').error.code, -32602);
    assert.ok(!server.fromClients().some((each) => each.body.includes('secret')));
  });

  test('counts as its messages: what is over the limits is refused, message by message', async () => {
    const { server, sidecar } = await start({ edge: { limits: { requestsInFlightPerPrincipal: 4 } } });
    const waiting: (() => void)[] = [];
    server.answers.set(
      'tools/call',
      (request, response) => void waiting.push(() => sendResult(request, response, {})),
    );
    const answer = post(sidecar.url, calls(10));
    // The batch itself is one of the four.
    await waitFor('three calls', () => waiting.length === 3);
    assert.equal((await post(sidecar.url, CALL)).status, 503);
    for (const give of waiting) give();
    const answers = JSON.parse((await answer).body) as { result?: object; error?: { message: string } }[];
    assert.equal(answers.filter(({ result }) => result).length, 3);
    assert.equal(answers.filter(({ error }) => /under way/.test(error?.message ?? '')).length, 7);
    await waitFor('the end of all', async () => (await underWay(sidecar)) === 0);
    assert.equal(waiting.length, 3);
  });

  for (const [when, streams] of [
    ['before the answer has begun', false],
    ['in the middle of its events', true],
  ] as const)
    test(`whose client leaves ${when} ends at the server, all of it`, async () => {
      const { server, sidecar } = await start();
      server.answers.set('tools/call', (request, response) => {
        if (streams) startStream(response)({ jsonrpc: '2.0', method: 'notifications/x', params: {} });
        else response.setHeader('x-held', String(request.message?.id));
      });
      const leaves = new AbortController();
      const answer = fetch(sidecar.url, {
        method: 'POST',
        headers: HEADERS,
        body: JSON.stringify(calls(20)),
        signal: leaves.signal,
      });
      await waitFor('all calls', () => server.fromClients().length === 20);
      if (streams) await answer;
      leaves.abort();
      await assert.rejects(answer.then((response) => response.text()));
      await waitFor('the end of all', () => server.fromClients().every(({ cut }) => cut));
      await waitFor('nothing under way', async () => (await underWay(sidecar)) === 0);
      server.answers.clear();
      assert.equal((await post(sidecar.url, CALL)).status, 200);
    });
});
