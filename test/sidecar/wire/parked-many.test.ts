/** A thousand parked calls whose clients answer, leave, repeat, answer twice or late: each ends as documented. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startAskingServer, type AskingServer } from './asking-server.ts';
import { modernHeaders, modernRequest, postModern, type ModernAnswer } from './modern-meta.ts';
import { HEADERS } from './post.ts';
import { as, stops, tokens } from './proxied.ts';
import { seeded } from './seeded.ts';
import { startSidecar, untilHealth, type TestSidecar } from './start-sidecar.ts';
import { waitFor } from './wait-for.ts';

const CALLS = 1_000;
const AT_ONCE = 40;
const CALLERS = ['alice', 'bob'] as const;
const capabilities = { elicitation: { form: {} } };

let server: AskingServer;
let sidecar: TestSidecar;
let removeTokens: (typeof stops)[number] | undefined;

before(async () => {
  server = await startAskingServer();
  const auth = tokens()!;
  [removeTokens] = stops.splice(0);
  sidecar = await startSidecar({ upstreamPort: server.port, auth });
  await untilHealth(sidecar, 'healthy');
});
after(async () => {
  await sidecar?.stop();
  await server?.stop();
  await removeTokens?.();
});

interface Call {
  readonly who: string;
  readonly question: string;
  readonly state: string;
  ask(more: Record<string, unknown>): Promise<ModernAnswer>;
}
const told = (answer: string) => ({ '1': { action: 'accept', content: { answer } } });
const textOf = ({ last }: ModernAnswer): string => last.result?.content?.[0].text ?? JSON.stringify(last);

/** What a client does with a call that was parked for it, and what must come of it. */
const CLIENTS: Record<string, (call: Call, random: () => number) => Promise<void>> = {
  async answers({ state, question, ask }) {
    const given = await ask({ requestState: state, inputResponses: told('yes') });
    assert.equal(textOf(given), `${question}: yes`);
  },
  async repeats({ state, question, ask }) {
    const more = { requestState: state, inputResponses: told('again') };
    for (const each of [...(await Promise.all([ask(more), ask(more)])), await ask(more)])
      assert.equal(textOf(each), `${question}: again`);
  },
  async 'answers in two ways'({ state, question, ask }) {
    const first = await ask({ requestState: state, inputResponses: told('one') });
    const second = await ask({ requestState: state, inputResponses: told('two') });
    assert.equal(textOf(first), `${question}: one`);
    assert.match(textOf(second), /answered otherwise/);
  },
  async declines({ state, question, ask }) {
    const given = await ask({ requestState: state, inputResponses: { '1': { action: 'decline' } } });
    assert.equal(textOf(given), `${question}: decline`);
  },
  async 'leaves while it is answered'({ who, state, question, ask }, random) {
    const params = { name: 'ask', arguments: { question } };
    const more = { requestState: state, inputResponses: told('gone') };
    const leave = new AbortController();
    const left = fetch(sidecar.url, {
      method: 'POST',
      headers: { ...HEADERS, ...as(who), ...modernHeaders('tools/call', params) },
      body: JSON.stringify(modernRequest('tools/call', { ...params, ...more }, { id: 'left', capabilities })),
      signal: leave.signal,
    }).then((response) => response.text());
    setTimeout(() => leave.abort(), random() * 5);
    await left.catch(() => undefined);
    // Cut off, it asks again, and gets what it was to get.
    assert.equal(textOf(await ask(more)), `${question}: gone`);
  },
  // The server gives up in the end.
  leaves: () => Promise.resolve(),
};

test('a thousand of them leave nothing behind', { timeout: 60_000 }, async () => {
  const random = seeded(11);
  const kinds = Object.values(CLIENTS);
  let left = 0;
  for (let done = 0; done < CALLS; done += AT_ONCE) {
    await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, at) => {
        const kind = kinds[Math.floor(random() * kinds.length)]!;
        // A caller may leave 64 open, those that are about to be answered included.
        if (kind === CLIENTS['leaves'] && ++left > 60) return;
        await kind(await park(CALLERS[at % 2]!, `question ${done + at}`), random);
      }),
    );
  }
  assert.ok(left > 50);
  assert.ok(server.running() > 50, 'those whose clients left are still there');
  server.giveUp();
  await waitFor('the end of all calls', () => server.running() === 0);
  const sessions = await metric('kubectl_mcp_upstream_sessions');
  assert.ok(sessions >= 1 && sessions <= 2, `${sessions} sessions of two callers`);
  assert.equal(await metric('kubectl_mcp_calls_in_flight'), 0);
});

async function park(who: string, question: string): Promise<Call> {
  let id = 0;
  const ask = (more: Record<string, unknown>): Promise<ModernAnswer> =>
    postModern(
      sidecar.url,
      'tools/call',
      { name: 'ask', arguments: { question }, ...more },
      { id: `${question} ${id++}`, capabilities, headers: as(who) },
    );
  const { last } = await ask({});
  assert.equal(last.result.inputRequests['1'].params.message, question);
  return { who, question, state: last.result.requestState, ask };
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${sidecar.adminUrl}/metrics`)).text();
  return Number(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)$`, 'm').exec(text)?.[1]);
}
