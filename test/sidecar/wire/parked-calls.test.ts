import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startAskingServer, type AskingServer } from './asking-server.ts';
import { modernHeaders, modernRequest, postModern, type ModernAnswer } from './modern-meta.ts';
import { HEADERS } from './post.ts';
import { as, stops, tokens } from './proxied.ts';
import { seeded } from './seeded.ts';
import { startSidecar, untilHealth, type TestSidecar } from './start-sidecar.ts';
import { waitFor } from './wait-for.ts';

let server: AskingServer;
let sidecar: TestSidecar;
let removeTokens: (typeof stops)[number] | undefined;

before(async () => {
  server = await startAskingServer();
  const auth = tokens()!;
  // Shared by the tests: stopped after all of them, in the order of their start.
  [removeTokens] = stops.splice(0);
  sidecar = await startSidecar({ upstreamPort: server.port, auth });
  await untilHealth(sidecar, 'healthy');
});
after(async () => {
  await sidecar?.stop();
  await server?.stop();
  await removeTokens?.();
});

const capabilities = { elicitation: { form: {} } };
const told = (answer: string) => ({ '1': { action: 'accept', content: { answer } } });
let lastId = 0;

/** The call, or its retry with what the client was asked. */
function ask(
  question: string,
  more: Record<string, unknown> = {},
  who = 'alice',
  times = 1,
): Promise<ModernAnswer> {
  const params = { name: 'ask', arguments: { question, times }, ...more };
  return postModern(sidecar.url, 'tools/call', params, { id: ++lastId, capabilities, headers: as(who) });
}
async function parked(question: string, who = 'alice', times = 1): Promise<string> {
  const { last } = await ask(question, {}, who, times);
  assert.equal(last.result.resultType, 'input_required');
  assert.equal(last.result.inputRequests['1'].params.message, question);
  return last.result.requestState as string;
}
const textOf = ({ last }: ModernAnswer): string => last.result?.content?.[0].text ?? JSON.stringify(last);

describe('a call that the server asks back about', () => {
  test('goes on with the answer, under the id of the retry', async () => {
    const requestState = await parked('name?');
    const answer = await ask('name?', { requestState, inputResponses: told('Ada') });
    assert.equal(textOf(answer), 'name?: Ada');
    assert.equal(answer.last.id, lastId);
    assert.equal(answer.last.result.resultType, 'complete');
  });

  test('may be asked again and again, each time under another state', async () => {
    let requestState = await parked('twice?', 'alice', 2);
    const second = await ask('twice?', { requestState, inputResponses: told('one') }, 'alice', 2);
    assert.equal(second.last.result.resultType, 'input_required');
    assert.notEqual(second.last.result.requestState, requestState);
    requestState = second.last.result.requestState;
    const key = Object.keys(second.last.result.inputRequests)[0]!;
    const inputResponses = { [key]: { action: 'accept', content: { answer: 'two' } } };
    assert.equal(
      textOf(await ask('twice?', { requestState, inputResponses }, 'alice', 2)),
      'twice?: one, two',
    );
  });

  test('is answered the same when the same answers come again, and the server hears them once', async () => {
    const requestState = await parked('again?');
    const heard = server.told.size;
    const more = { requestState, inputResponses: told('yes') };
    const given = await Promise.all([ask('again?', more), ask('again?', more), ask('again?', more)]);
    for (const each of [...given, await ask('again?', more)]) assert.equal(textOf(each), 'again?: yes');
    assert.equal(server.told.size, heard + 1);
  });

  test('is not answered twice in two ways', async () => {
    const requestState = await parked('which?');
    assert.equal(textOf(await ask('which?', { requestState, inputResponses: told('this') })), 'which?: this');
    const other = await ask('which?', { requestState, inputResponses: told('that') });
    assert.deepEqual([other.last.error.code, other.status], [-32602, 200]);
    assert.match(other.last.error.message, /answered otherwise/);
  });

  test('is nobody else’s, and no other call’s: the words are those for a state that never was', async () => {
    const requestState = await parked('mine?');
    const inputResponses = told('stolen');
    const unknown = await ask('mine?', { requestState: 'never', inputResponses });
    for (const each of [
      await ask('mine?', { requestState, inputResponses }, 'bob'),
      await ask('other?', { requestState, inputResponses }),
    ])
      assert.deepEqual({ ...each.last, id: 0 }, { ...unknown.last, id: 0 });
    assert.equal(textOf(await ask('mine?', { requestState, inputResponses: told('mine') })), 'mine?: mine');
  });

  test('waits on when an answer is missing', async () => {
    const requestState = await parked('all?');
    const lacking = await ask('all?', { requestState, inputResponses: {} });
    assert.match(lacking.last.error.message, /lacks "1"/);
    assert.equal(textOf(await ask('all?', { requestState, inputResponses: told('now') })), 'all?: now');
  });

  test('ends with the server’s own error when that has not waited', async () => {
    const requestState = await parked('late?');
    server.giveUp();
    await waitFor('the end of the call', () => server.running() === 0);
    const answer = await ask('late?', { requestState, inputResponses: told('too late') });
    assert.deepEqual(answer.last.error, { code: -32001, message: 'Request timed out' });
  });

  test('is cancelled at the server when its client leaves before it is asked, and nobody else’s is', async () => {
    const requestState = await parked('bystander?', 'bob');
    const cancelled = server.cancelled.length;
    const leave = new AbortController();
    const params = { name: 'ask', arguments: { hold: true } };
    const left = fetch(sidecar.url, {
      method: 'POST',
      headers: { ...HEADERS, ...as('alice'), ...modernHeaders('tools/call', params) },
      body: JSON.stringify(modernRequest('tools/call', params, { capabilities })),
      signal: leave.signal,
    });
    const running = server.running();
    await waitFor('the call', () => server.running() > running);
    leave.abort();
    await assert.rejects(left);
    await waitFor('the cancellation', () => server.cancelled.length > cancelled);
    assert.equal(
      textOf(await ask('bystander?', { requestState, inputResponses: told('here') }, 'bob')),
      'bystander?: here',
    );
  });

  test('is done once more with a new session when the server has lost its own', async () => {
    assert.equal(textOf(await ask('', {}, 'alice', 0)), ': ');
    server.forget();
    assert.equal(textOf(await ask('', {}, 'alice', 0)), ': ');
  });

  test('is in a session of its caller’s alone', async () => {
    const sessions = server.sessions.size;
    await Promise.all([ask('', {}, 'alice', 0), ask('', {}, 'alice', 0), ask('', {}, 'bob', 0)]);
    const mine = [...server.sessions.values()].filter(({ name }) => name === 'modern');
    assert.ok(mine.length <= 2 && server.sessions.size <= sessions + 2, `${server.sessions.size} sessions`);
    assert.deepEqual(mine[0]?.capabilities, capabilities);
  });
});

test('two callers elicited at the same moment get no question and no answer of each other’s', async () => {
  const random = seeded(7);
  for (let batch = 0; batch < 5; batch++) {
    const indexes = Array.from({ length: 100 }, (_, at) => batch * 100 + at);
    await Promise.all(indexes.map(interleaved));
  }
  await waitFor('the end of all calls', () => server.running() <= 1);

  async function interleaved(index: number): Promise<void> {
    const who = index % 2 === 0 ? 'alice' : 'bob';
    const question = `${who} ${index}?`;
    const requestState = await parked(question, who);
    await new Promise((resolve) => setTimeout(resolve, random() * 50));
    const answer = await ask(question, { requestState, inputResponses: told(`${index}`) }, who);
    assert.equal(textOf(answer), `${question}: ${index}`);
  }
});

test('more questions than a caller may leave open are answered for it, and the call goes on', async () => {
  const states = await Promise.all(Array.from({ length: 64 }, (_, index) => parked(`open ${index}`)));
  const over = await ask('one too many?');
  assert.match(textOf(over), /one too many\?: error -32603/);
  assert.equal(new Set(states).size, 64);
  await parked('of another caller', 'bob');
});
