/** The policy file on the wire: what `decide` says is what clients of both eras get. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { casesIn, SERVER_TOOLS, type Case } from '../filter/cases/read-case.ts';
import { RULES_CASES } from '../filter/cases/rules.ts';
import { THINGS_CASES } from '../filter/cases/things.ts';
import { TOOLS_CASES } from '../filter/cases/tools.ts';
import { postModern } from './modern-meta.ts';
import { initialize, post } from './post.ts';
import { as, tokens } from './proxied.ts';
import { startStream } from './scripted-server.ts';
import { untilAudit } from './start-sidecar.ts';
import { waitFor } from './wait-for.ts';
import { ask, sessionOf, startWith, type Era } from './with-policy.ts';
import { worldOf, type World } from './world.ts';

const KNOWN: World = {
  tools: SERVER_TOOLS,
  resources: ['file:///docs', 'note://today', 'file:///a', 'secret://a'],
  templates: ['file:///docs/{path}', 'file:///{path}'],
  prompts: ['greeting', 'greet-admin', 'other', 'report', 'admin-report'],
};

/** About whom nothing is said, whoever calls gets the same. */
const SAMPLE = [...TOOLS_CASES, ...THINGS_CASES.slice(0, 3), RULES_CASES[1]!, RULES_CASES[5]!];

for (const era of ['legacy', 'modern'] as const) {
  describe(`a policy, for clients and servers of the era ${era},`, () => {
    for (const { policy, filter, cases } of SAMPLE) {
      test(`decides as the cases say of ${policy.replaceAll(/\s+/g, ' ').slice(0, 80)}`, async () => {
        const { sidecar } = await startWith(policy, KNOWN, { era, ...(filter ? { filter } : {}) });
        for (const each of casesIn(cases).filter(isOfEra(era))) {
          const from = sidecar.audit.length;
          const { error } = await ask(sidecar, era, each.asked.method, each.params);
          const [word, rule] = each.expected.split(' ');
          await sidecar.settled();
          await waitFor('the record', () => sidecar.audit.length > from);
          const record = sidecar.audit.at(-1);
          if (word === 'allow') assert.notEqual(record.outcome, 'denied', each.line);
          else {
            assert.equal(record.outcome, 'denied', each.line);
            assert.equal(record.metadata.extra.rule, rule, each.line);
            assert.equal(
              /does not allow these arguments/.test(error?.message ?? ''),
              word === 'arguments',
              each.line,
            );
          }
        }
      });
    }
  });
}

/** Requests that a client of the era would send, and whose headers it could write. */
const isOfEra =
  (era: Era) =>
  ({ asked, line }: Case): boolean =>
    (era === 'legacy' || !/resources\/(un)?subscribe|tools\/list/.test(asked.method)) &&
    !line.includes('list anything');

const HIDING = `version: 1
tools: {deny: ["hidden*"]}
resources: {deny: ["note:///hidden*"]}
prompts: {deny: ["hidden*"]}`;
/** The same by rules, which are asked for each caller. */
const HIDING_BY_RULES = `version: 1
rules:
  - {name: tools, tools: ["*"], deny: 'tool.name.startsWith("hidden")'}
  - {name: resources, resources: ["*"], deny: 'resource.uri.startsWith("note:///hidden")'}
  - {name: prompts, prompts: ["*"], deny: 'prompt.name.startsWith("hidden")'}`;
/** By scopes, which no anonymous caller has. */
const HIDING_BY_SCOPES = HIDING.replace(
  'tools: {deny: ["hidden*"]}',
  'tools: {scopes: [{tools: ["hidden*"], scopes: [more], visible: true}]}',
);

const name = fc.constantFrom('open', 'hidden', 'hidden-too', 'absent');
const request = fc.oneof(
  fc
    .constantFrom('tools/list', 'resources/list', 'resources/templates/list', 'prompts/list')
    .map((method) => [method, {}] as const),
  name.map((each) => ['tools/call', { name: each, arguments: {} }] as const),
  name.map((each) => ['prompts/get', { name: each }] as const),
  fc
    .tuple(name, fc.constantFrom('', '/part'))
    .map(([each, part]) => ['resources/read', { uri: `note:///${each}${part}` }] as const),
  name.map(
    (each) =>
      [
        'completion/complete',
        { ref: { type: 'ref/prompt', name: each }, argument: { name: 'a', value: '' } },
      ] as const,
  ),
  name.map(
    (each) =>
      [
        'completion/complete',
        {
          ref: { type: 'ref/resource', uri: `note:///${each}/{part}` },
          argument: { name: 'part', value: '' },
        },
      ] as const,
  ),
);

describe('what a caller may not use', () => {
  for (const [how, policy] of [
    ['patterns', HIDING],
    ['rules', HIDING_BY_RULES],
    ['scopes', HIDING_BY_SCOPES],
  ] as const)
    for (const [client, server] of [
      ['legacy', 'legacy'],
      ['modern', 'modern'],
      ['modern', 'legacy'],
      ['legacy', 'modern'],
    ] as const) {
      test(`by ${how} is told by no sequence of requests (${client} clients, ${server} server)`, async () => {
        const having = await startWith(policy, worldOf(['open', 'hidden', 'hidden-too']), { era: server });
        const lacking = await startWith(policy, worldOf(['open']), { era: server });
        const sessions = await Promise.all(
          [having, lacking].map(({ sidecar }) => sessionOf(sidecar, client, server)),
        );
        for (const [method, params] of [
          ['tools/call', { name: 'open', arguments: {} }],
          ['prompts/get', { name: 'open' }],
          ['resources/read', { uri: 'note:///open' }],
        ] as const)
          assert.ok((await ask(having.sidecar, client, method, params, sessions[0])).result, method);
        await fc.assert(
          fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 8 }), async (requests) => {
            for (const [method, params] of requests) {
              const [one, other] = await Promise.all(
                [having, lacking].map(({ sidecar }, index) =>
                  ask(sidecar, client, method, params, sessions[index]),
                ),
              );
              assert.deepEqual(one, other);
              // What is hidden is answered as what is not there.
              const words = JSON.stringify(params);
              if (!words.includes('hidden')) continue;
              const absent = await ask(
                having.sidecar,
                client,
                method,
                JSON.parse(words.replaceAll(/hidden(-too)?/g, 'absent')),
                sessions[0],
              );
              assert.deepEqual(
                one,
                JSON.parse(JSON.stringify(absent).replaceAll('absent', /hidden(-too)?/.exec(words)![0])),
              );
            }
          }),
          { numRuns: 12 },
        );
      });
    }

  test('is not for one caller, and is for another; no cache may share such a list', async () => {
    const { sidecar } = await startWith(
      `version: 1
rules: [{name: alices, tools: ["hidden"], allow: 'principal.name == "token:alice"'}]`,
      worldOf(['open', 'hidden']),
      { auth: tokens(), era: 'modern' },
    );
    const listed = async (who: string) => {
      const { result } = await ask(sidecar, 'modern', 'tools/list', {}, as(who));
      assert.equal(result?.['cacheScope'], 'private');
      return (result!['tools'] as { name: string }[]).map((each) => each.name);
    };
    assert.deepEqual(await listed('alice'), ['open', 'hidden']);
    assert.deepEqual(await listed('bob'), ['open']);
    const called = async (who: string) =>
      (await ask(sidecar, 'modern', 'tools/call', { name: 'hidden', arguments: {} }, as(who))).error?.message;
    assert.equal(await called('alice'), undefined);
    assert.equal(await called('bob'), 'Unknown tool: hidden');
  });

  test('is not in a shared cache, as what a caller may read', async () => {
    const { server, sidecar } = await startWith(HIDING_BY_RULES, worldOf(['open']), { era: 'modern' });
    server.answers.set(
      'resources/read',
      ({ message }, response) =>
        void response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(
            `{"jsonrpc":"2.0","id":${message?.id as number},"result":{"contents":[],"cacheScope":"public","ttlMs":9}}`,
          ),
    );
    const { body } = await postModern(sidecar.url, 'resources/read', { uri: 'note:///open' });
    assert.equal(body, '{"jsonrpc":"2.0","id":1,"result":{"contents":[],"cacheScope":"private","ttlMs":9}}');
  });

  test('is not in the news of a resource, nor in what a subscription is said to hold', async () => {
    const { server, sidecar } = await startWith(HIDING, worldOf(['open', 'hidden']), { era: 'modern' });
    server.answers.set('subscriptions/listen', ({ message }, response) => {
      const tell = startStream(response);
      const { notifications } = message!.params as { notifications: object };
      tell({ jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: { notifications } });
      for (const each of ['hidden', 'open'])
        tell({
          jsonrpc: '2.0',
          method: 'notifications/resources/updated',
          params: { uri: `note:///${each}` },
        });
      response.end();
    });
    const { messages } = await postModern(sidecar.url, 'subscriptions/listen', {
      notifications: { resourceSubscriptions: ['note:///hidden', 'note:///open'] },
    });
    assert.deepEqual(
      messages.map(({ params }) => params),
      [{ notifications: { resourceSubscriptions: ['note:///open'] } }, { uri: 'note:///open' }],
    );
  });

  test('is not in the news on a stream of sessions', async () => {
    const { server, sidecar } = await startWith(HIDING, worldOf(['open', 'hidden']));
    server.answers.set('GET', (_, response) => {
      const tell = startStream(response);
      for (const each of ['hidden', 'open'])
        tell({
          jsonrpc: '2.0',
          method: 'notifications/resources/updated',
          params: { uri: `note:///${each}` },
        });
      response.end();
    });
    const session = await initialize(sidecar.url);
    const response = await fetch(sidecar.url, {
      headers: { accept: 'text/event-stream', 'mcp-session-id': session },
    });
    const body = await response.text();
    assert.match(body, /open/);
    assert.doesNotMatch(body, /hidden/);
  });

  test('is not among the values of a completion', async () => {
    const { server, sidecar } = await startWith(
      'version: 1\nresources: {deny: ["note:///open/secret"]}',
      worldOf(['open']),
    );
    server.answers.set(
      'completion/complete',
      ({ message }, response) =>
        void response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(
            `{"jsonrpc":"2.0","id":${message?.id as number},"result":{"completion":{"values":["a","secret"],"total":2,"hasMore":false}}}`,
          ),
    );
    const { result } = await ask(sidecar, 'legacy', 'completion/complete', {
      ref: { type: 'ref/resource', uri: 'note:///open/{part}' },
      argument: { name: 'part', value: '' },
    });
    assert.deepEqual(result, { completion: { values: ['a'] } });
  });
});

const asking = (url: string) => ({
  resultType: 'input_required',
  inputRequests: { a: { method: 'elicitation/create', params: { mode: 'url', url, message: 'open' } } },
  requestState: 's',
});

describe('URLs that users are asked to open', () => {
  const POLICY = 'version: 1\nelicitation: {urls: {allow: ["https://login.example.com/*"]}}';

  test('go out where the policy allows them, and their call fails where not', async () => {
    const { server, sidecar } = await startWith(POLICY, worldOf(['open']), { era: 'modern' });
    for (const [url, isAllowed] of [
      ['https://login.example.com/x', true],
      ['https://evil.test/x', false],
      ['https://login.example.com@evil.test/x', false],
    ] as const) {
      server.answers.set(
        'tools/call',
        ({ message }, response) =>
          void response
            .writeHead(200, { 'content-type': 'application/json' })
            .end(JSON.stringify({ jsonrpc: '2.0', id: message?.id, result: asking(url) })),
      );
      const { error, result } = await ask(sidecar, 'modern', 'tools/call', { name: 'open', arguments: {} });
      assert.equal(result !== undefined, isAllowed, url);
      if (!isAllowed) assert.match(error?.message ?? '', /a URL to be opened that its policy does not allow/);
    }
    const record = await untilAudit(sidecar, ({ outcome }) => outcome === 'denied');
    assert.equal(record.metadata.extra.rule, 'policy/elicitation.urls.allow');
  });

  test('are held back from clients of sessions, too', async () => {
    const { server, sidecar } = await startWith(POLICY, worldOf(['open']));
    server.answers.set('tools/call', (_, response) => {
      const tell = startStream(response);
      tell({
        jsonrpc: '2.0',
        id: 9,
        method: 'elicitation/create',
        params: { mode: 'url', url: 'https://evil.test/', elicitationId: 'e', message: 'm' },
      });
    });
    const session = await initialize(sidecar.url);
    const { body } = await post(
      sidecar.url,
      { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'open', arguments: {} } },
      { 'mcp-session-id': session },
    );
    assert.doesNotMatch(body, /evil/);
    assert.match(body, /a URL to be opened/);
  });
});

describe('a rule that cannot be asked', () => {
  test('denies, and the log says why', async () => {
    const { sidecar } = await startWith(
      `version: 1
rules: [{name: typed, tools: ["*"], deny: 'args.count > 3', message: count must be small}]`,
      worldOf(['open']),
    );
    const { error } = await ask(sidecar, 'legacy', 'tools/call', { name: 'open', arguments: {} });
    assert.equal(
      error?.message,
      'the policy of this server does not allow these arguments: count must be small',
    );
    const event = await waitFor('the event', () =>
      sidecar.events.find((each) => each.event === 'policy_rule_failed'),
    );
    assert.deepEqual(
      { rule: event['rule'], error: event['error'] },
      { rule: 'policy/rules.typed', error: 'No such key: count' },
    );
  });
});
