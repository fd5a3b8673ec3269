/** All that decides at once: rules, scopes, pins, Roles and overrides. What any of them hides is told by nothing. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  HIDDEN,
  OF_TOOLS,
  sessionOf,
  SHARED,
  startSide,
  type OneSide,
  type Request,
} from './everything-side.ts';
import type { Era } from './with-policy.ts';

const NAMES = [
  ...SHARED,
  ...HIDDEN,
  'shown',
  'own-changed',
  'own-unbound',
  'real-having',
  'real-lacking',
  'absent',
  '',
  'a'.repeat(5_000),
  'new\nline',
  'ореn',
];
const things = NAMES.filter((each) => !OF_TOOLS.includes(each));
const argumentsGiven = [
  {},
  { open: 'x' },
  { open: 'forbidden' },
  { open: 'fails' },
  { open: 'streams' },
  ...['fixed-having', 'fixed-lacking', 'hidden-having', 'Hidden-Having', 'absent'].map((key) => ({
    [key]: 'x',
  })),
  null,
];
const uris = things.flatMap((each) => ['', '/a', '/b', '/{part}'].map((part) => `note:///${each}${part}`));
const request = (method: string, params: Record<string, unknown>, headers = {}): Request => ({
  method,
  params,
  headers,
});
const calls = NAMES.flatMap((name) => argumentsGiven.map((each) => ({ name, arguments: each })));
const plain = [
  ...['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list'].map((method) =>
    request(method, {}),
  ),
  ...calls.map((params) => request('tools/call', params)),
  ...things.map((name) => request('prompts/get', { name })),
  ...uris.map((uri) => request('resources/read', { uri })),
  ...things.flatMap((name) => [
    request('completion/complete', {
      ref: { type: 'ref/prompt', name },
      argument: { name: 'a', value: '' },
    }),
    request('completion/complete', {
      ref: { type: 'ref/resource', uri: `note:///${name}/{part}` },
      argument: { name: 'part', value: '' },
    }),
  ]),
];
const ofEra: Record<Era, readonly Request[]> = {
  legacy: [
    ...plain,
    ...NAMES.map((name) =>
      request('batch', {
        of: ['tools/list', 'tools/call', 'prompts/get'].map((method) => ({
          method,
          params: { name, arguments: { open: 'forbidden' } },
        })),
      }),
    ),
    ...uris.map((uri) => request('resources/subscribe', { uri })),
    ...NAMES.map((name) => request('tools/call', { name, task: {} })),
    ...['tasks/get', 'tasks/result', 'tasks/cancel'].flatMap((method) =>
      ['t0', 't1', 't9'].map((taskId) => request(method, { taskId })),
    ),
    request('tasks/list', {}),
  ],
  modern: [
    ...plain.filter(({ params }) => /^[\x20-\x7e]*$/.test(String(params['name'] ?? params['uri'] ?? ''))),
    ...NAMES.flatMap((name) => [
      request('tools/call', { name, arguments: {} }, { 'mcp-name': 'open' }),
      request('tools/call', { name: 'open', arguments: {} }, { 'mcp-name': encodeURIComponent(name) }),
      request('tools/call', { name: 'shown' }, { 'mcp-param-hidden': encodeURIComponent(name) }),
    ]),
  ],
};

/** What one of the server's own era has besides. */
const streams: Record<Era, readonly Request[]> = {
  legacy: [request('GET', {}), request('GET', {}, { 'last-event-id': '1' })],
  modern: things.map((name) =>
    request('subscriptions/listen', {
      notifications: { resourceSubscriptions: ['', '/a'].map((part) => `note:///${name}${part}`) },
    }),
  ),
};

for (const [client, server] of [
  ['legacy', 'legacy'],
  ['modern', 'modern'],
  ['modern', 'legacy'],
  ['legacy', 'modern'],
] as const)
  describe(`all that decides at once (${client} clients, ${server} server)`, () => {
    test('lets calls through, and tells nothing of what is hidden', async () => {
      const sides = await Promise.all(
        (['having', 'lacking'] as const).map((side) => startSide(side, client, server)),
      );
      for (const [method, params, told] of [
        ['tools/call', { name: 'open', arguments: {} }, /"result":/],
        ['tools/call', { name: 'shown', arguments: { open: 'x' } }, /"result":/],
        ['prompts/get', { name: 'open' }, /"result":/],
        ['resources/read', { uri: 'note:///open' }, /"result":/],
        ['tools/list', {}, /open".*admin".*shown"/],
        ['tools/call', { name: 'open', arguments: { open: 'forbidden' } }, /does not allow these arguments/],
        ['tools/call', { name: 'admin', arguments: {} }, /the token lacks a scope/],
        ['tools/call', { name: 'shown', arguments: { 'fixed-having': 'x' } }, /Unknown argument/],
      ] as const)
        assert.match((await sides[0]!.ask(request(method, params))).body, told, JSON.stringify(params));
      const all = [...ofEra[client], ...(client === server ? streams[client] : [])];
      await fc.assert(
        fc.asyncProperty(fc.shuffledSubarray(all, { minLength: all.length }), async (requests) => {
          for (const each of requests) {
            const [having, lacking] = await Promise.all(sides.map((side) => side.ask(each)));
            assert.deepEqual(having, lacking, JSON.stringify(each).slice(0, 500));
          }
        }),
        { numRuns: 1, endOnFailure: true },
      );
    });
  });

/** Of a caller who asks for one unknown name after another the server's list is not read each time. */
const RELIST_MS = 2_100;

for (const era of ['legacy', 'modern'] as const)
  describe(`while a server is away (${era})`, () => {
    test('what is hidden is answered as what is not there', async () => {
      const side = await startSide('having', era, era);
      // What a list has is taken to be there for some time.
      for (const each of [...HIDDEN, 'absent']) await answersOf(side, each);
      await side.server.stop();
      await new Promise((resolve) => setTimeout(resolve, RELIST_MS));
      const absent = await answersOf(side, 'absent');
      assert.match(absent, /503/);
      for (const each of HIDDEN)
        assert.equal(await answersOf(side, each), OF_TOOLS.includes(each) ? onlyFirst(absent) : absent, each);
    });
  });

test('the record of a refusal says what decided, and of which tool', async () => {
  const { sidecar, ask } = await startSide('having', 'modern', 'modern');
  for (const [called, rule, own = called, args = {}] of [
    ['denied', 'policy/tools.deny'],
    ['ruled', 'policy/rules.ruled'],
    ['scoped', 'policy/tools.scopes'],
    ['unpinned', 'pins/new'],
    ['own-changed', 'pins/changed', 'changed'],
    ['changed', 'policy/tools.overrides'],
    ['own-unbound', 'authorization', 'unbound'],
    ['asking', 'authorization'],
    ['absent', 'tool-unknown'],
    ['admin', 'policy/tools.scopes'],
    ['open', 'policy/rules.arguments', 'open', { open: 'forbidden' }],
    ['shown', 'policy/tools.overrides', 'real-having', { absent: 'x' }],
    ['shown', 'policy/rules.arguments', 'real-having', { open: 'forbidden' }],
  ] as const) {
    await ask(request('tools/call', { name: called, arguments: args }));
    await sidecar.settled();
    const { outcome, target, metadata } = sidecar.audit.at(-1);
    assert.deepEqual(
      [outcome, target.name, metadata.extra.called, metadata.extra.rule],
      ['denied', own, own === called ? undefined : called, rule],
      called,
    );
  }
});

test('what is hidden takes the questions and the looks that what is not there takes', async () => {
  const { api, server, sidecar, own, ask } = await startSide('having', 'legacy', 'legacy');
  const lists = () => server.requests.filter(({ message }) => message?.method === 'tools/list').length;
  for (const name of [...HIDDEN, 'absent', 'real-having']) {
    // A list is read at most every other second for each session.
    const session = await sessionOf(sidecar.url, { authorization: own['authorization']! });
    const before = lists();
    await ask(request('tools/call', { name, arguments: {} }, { 'mcp-session-id': session }));
    assert.equal(lists(), before + 1, name);
    const about = api.asked.map(({ spec }) => spec.resourceAttributes.name ?? 'all');
    assert.equal(about.filter((each) => each === name).length, 1, name);
  }
});

const onlyFirst = (answers: string): string => JSON.stringify((JSON.parse(answers) as unknown[]).slice(0, 1));

const asked = (each: string) => [
  request('tools/call', { name: each, arguments: {} }),
  ...(OF_TOOLS.includes(each) ? [] : [request('prompts/get', { name: each })]),
];

const answersOf = async ({ ask }: OneSide, each: string) =>
  JSON.stringify(await Promise.all(asked(each).map(ask))).replaceAll(each, 'NAME');
