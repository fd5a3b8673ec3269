/** Keys that are one thing to a proxy and another to a server. */
import { legacy, type Input } from '../input.ts';
import { callSafe, ENVELOPE, escaped, object, quoted, request, type Member } from '../message.ts';

/** A place in the protocol where a server decodes a key that decides something. */
interface Place {
  readonly name: string;
  readonly key: string;
  readonly safe: string;
  readonly evil: string;
  readonly build: (...members: readonly Member[]) => string;
}

const call = (...params: readonly Member[]): string => request('tools/call', ...params);
const complete = (...params: readonly Member[]): string => request('completion/complete', ...params);
const ARGUMENT: Member = ['argument', object(['name', '"a"'], ['value', '"b"'])];
const PROMPT = object(['type', '"ref/prompt"'], ['name', '"safe"']);

const PLACES: readonly Place[] = [
  {
    name: 'method',
    key: 'method',
    safe: '"prompts/list"',
    evil: '"tools/call"',
    build: (...members) =>
      object(...ENVELOPE, ...members, ['params', object(['name', '"evil"'], ['arguments', '{}'])]),
  },
  {
    name: 'params',
    key: 'params',
    safe: object(['name', '"safe"']),
    evil: object(['name', '"evil"']),
    build: (...members) => object(...ENVELOPE, ['method', '"tools/call"'], ...members),
  },
  {
    name: 'id',
    key: 'id',
    safe: '1',
    evil: '2',
    build: (...members) =>
      object(['jsonrpc', '"2.0"'], ...members, ['method', '"tools/call"'], ['params', '{"name":"safe"}']),
  },
  { name: 'name of a tool', key: 'name', safe: '"safe"', evil: '"evil"', build: call },
  {
    name: 'arguments',
    key: 'arguments',
    safe: '{"path":"safe"}',
    evil: '{"path":"evil"}',
    build: (...members) => callSafe(...members),
  },
  {
    name: '_meta',
    key: '_meta',
    safe: '{}',
    evil: '{"progressToken":1}',
    build: (...members) => callSafe(...members),
  },
  {
    name: 'name of a prompt',
    key: 'name',
    safe: '"safe"',
    evil: '"evil"',
    build: (...members) => request('prompts/get', ...members),
  },
  {
    name: 'uri',
    key: 'uri',
    safe: '"file:///safe"',
    evil: '"file:///evil"',
    build: (...members) => request('resources/read', ...members),
  },
  {
    name: 'ref',
    key: 'ref',
    safe: PROMPT,
    evil: object(['type', '"ref/prompt"'], ['name', '"evil"']),
    build: (...members) => complete(...members, ARGUMENT),
  },
  {
    name: 'ref.name',
    key: 'name',
    safe: '"safe"',
    evil: '"evil"',
    build: (...members) => complete(['ref', object(['type', '"ref/prompt"'], ...members)], ARGUMENT),
  },
  {
    name: 'ref.uri',
    key: 'uri',
    safe: '"file:///safe"',
    evil: '"file:///evil"',
    build: (...members) => complete(['ref', object(['type', '"ref/resource"'], ...members)], ARGUMENT),
  },
  {
    name: 'argument.name',
    key: 'name',
    safe: '"safe"',
    evil: '"evil"',
    build: (...members) => complete(['ref', PROMPT], ['argument', object(...members, ['value', '"b"'])]),
  },
];

const HELLO: readonly Member[] = [
  ['protocolVersion', '"2025-11-25"'],
  ['capabilities', '{}'],
];
const inside = (name: string, key: string, build: Place['build']): Place => ({
  name: `${name}.${key}`,
  key,
  safe: '"safe"',
  evil: '"evil"',
  build,
});
/** Objects that decide on no call, but that servers decode into structures just so. */
const OTHER_PLACES: readonly Place[] = [
  inside('clientInfo', 'name', (...members) =>
    request('initialize', ...HELLO, ['clientInfo', object(...members, ['version', '"1"'])]),
  ),
  inside('capabilities', 'roots', (...members) =>
    request('initialize', ['protocolVersion', '"2025-11-25"'], ['capabilities', object(...members)]),
  ),
  inside('argument', 'value', (...members) =>
    complete(['ref', PROMPT], ['argument', object(['name', '"a"'], ...members)]),
  ),
  inside('context', 'arguments', (...members) =>
    complete(['ref', PROMPT], ARGUMENT, ['context', object(...members)]),
  ),
  inside('notifications', 'toolsListChanged', (...members) =>
    request('subscriptions/listen', ['notifications', object(...members)]),
  ),
  inside('inputResponses.x', 'action', (...members) =>
    callSafe(['inputResponses', object(['x', object(...members)])]),
  ),
  inside('task', 'ttl', (...members) => callSafe(['task', object(...members)])),
  inside('params', 'taskId', (...members) => request('tasks/result', ...members)),
  inside('params', 'requestState', (...members) => callSafe(...members)),
  inside('params', 'cursor', (...members) => request('prompts/list', ...members)),
  inside('_meta', 'io.modelcontextprotocol/protocolVersion', (...members) =>
    callSafe(['_meta', object(...members)]),
  ),
  inside('_meta', 'progressToken', (...members) => callSafe(['_meta', object(...members)])),
];

/** Spellings that some parser takes for the key; those that change nothing fall out. */
const CASES: Readonly<Record<string, (key: string) => string>> = {
  'capital first': (key) => key.replace(/[a-z]/, (letter) => letter.toUpperCase()),
  'all capitals': (key) => key.toUpperCase(),
  'last capital': (key) => key.replace(/[a-z]$/, (letter) => letter.toUpperCase()),
};
const UNICODE: Readonly<Record<string, (key: string) => string>> = {
  'long s': (key) => key.replace('s', '\u017f'),
  'long s, escaped': (key) => key.replace('s', '\\u017f'),
  'full width': (key) =>
    key.replace(/[a-z]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) + 0xfee0)),
  'dotless i': (key) => key.replace('i', '\u0131'),
  'mathematical letter': (key) => key.replace('a', '\u{1d41a}'),
};
const NUL: Readonly<Record<string, (key: string) => string>> = {
  'NUL behind': (key) => `${key}\\u0000`,
  'two NULs behind': (key) => `${key}\\u0000\\u0000`,
  'NUL inside': (key) => `${key.slice(0, 2)}\\u0000${key.slice(2)}`,
};
const UNSEEN: Readonly<Record<string, (key: string) => string>> = {
  'zero width space': (key) => `${key}\u200b`,
  'soft hyphen': (key) => `${key.slice(0, 2)}\u00ad${key.slice(2)}`,
  'byte order mark inside': (key) => `\ufeff${key}`,
  'space behind': (key) => `${key} `,
  'without underscore, or with': (key) => (key.startsWith('_') ? key.slice(1) : `_${key}`),
};

const ORDERS: Readonly<Record<string, (place: Place, spelling: string) => Member[]>> = {
  behind: ({ key, safe, evil }, spelling) => [
    [key, safe],
    [spelling, evil],
  ],
  before: ({ key, safe, evil }, spelling) => [
    [spelling, evil],
    [key, safe],
  ],
};
const ALONE = (place: Place, spelling: string): Member[] => [[spelling, place.evil]];

function* spelt(
  spellings: Readonly<Record<string, (key: string) => string>>,
  places: readonly Place[],
  orders: typeof ORDERS,
): Generator<[string, string]> {
  for (const place of places) {
    for (const [name, spell] of Object.entries(spellings)) {
      if (spell(place.key) === place.key) continue;
      for (const [order, members] of Object.entries(orders))
        yield [`${place.name}, ${name}, ${order}`, place.build(...members(place, spell(place.key)))];
    }
  }
}

function* nested(): Generator<[string, string]> {
  const twice: Member[] = [
    ['a', '1'],
    ['a', '2'],
  ];
  yield ['in arguments', callSafe(['arguments', object(...twice)])];
  yield ['in arguments, around another', callSafe(['arguments', object(['a', '1'], ['b', '0'], ['a', '2'])])];
  yield ['in _meta', callSafe(['_meta', object(['progressToken', '1'], ['progressToken', '2'])])];
  yield ['in an unknown member of params', callSafe(['x', object(...twice)])];
  yield ['in an array of params', callSafe(['x', `[${object(...twice)}]`])];
  yield ['at the top, unknown', object(...ENVELOPE, ...twice, ['method', '"prompts/list"'])];
  yield ['jsonrpc', object(['jsonrpc', '"2.0"'], ...ENVELOPE, ['method', '"prompts/list"'])];
}

function* proto(): Generator<[string, string]> {
  for (const spelling of ['__proto__', '\\u005f_proto__', '__proto\\u005f_', escaped('__proto__')]) {
    const member: Member = [spelling, object(['name', '"evil"'], ['arguments', '{"path":"evil"}'])];
    yield [`at the top, ${spelling}`, object(...ENVELOPE, ['method', '"tools/call"'], member)];
    yield [`in params, ${spelling}`, callSafe(member)];
    yield [`in arguments, ${spelling}`, callSafe(['arguments', object(member)])];
    yield [`deep in arguments, ${spelling}`, callSafe(['arguments', object(['a', `[${object(member)}]`])])];
  }
}

const THIRD = PLACES.filter((_, index) => index % 3 === 0);
const same: Readonly<Record<string, (key: string) => string>> = {
  'twice, once escaped': escaped,
  'twice, one letter escaped': (key) =>
    `\\u${key.charCodeAt(0).toString(16).padStart(4, '0')}${key.slice(1)}`,
};

export const keyInputs: readonly Input[] = [
  ...legacy('a key twice', 'refused', [
    ...PLACES.flatMap((place): [string, string][] => [
      [`${place.name}, safe first`, place.build([place.key, place.safe], [place.key, place.evil])],
      [`${place.name}, evil first`, place.build([place.key, place.evil], [place.key, place.safe])],
    ]),
    ...spelt(same, PLACES, { behind: ORDERS['behind']! }),
    ...spelt({ 'one letter escaped': same['twice, one letter escaped']! }, OTHER_PLACES, {
      behind: ORDERS['behind']!,
    }),
    ...nested(),
  ]),
  ...legacy('a key in another case', 'refused', [
    ...spelt(CASES, PLACES, ORDERS),
    ...spelt({ 'capital first': CASES['capital first']! }, PLACES, { alone: ALONE }),
    ...spelt({ 'capital first': CASES['capital first']! }, OTHER_PLACES, ORDERS),
  ]),
  ...legacy('a key that Unicode folds', 'refused', spelt(UNICODE, PLACES, { behind: ORDERS['behind']! })),
  ...legacy('a key with NUL', 'refused', spelt(NUL, PLACES, { behind: ORDERS['behind']! })),
  ...legacy('a key with what is not seen', 'refused', spelt(UNSEEN, THIRD, { behind: ORDERS['behind']! })),
  ...legacy('a key in snake case', 'refused', [
    ['task_id', request('tasks/cancel', ['taskId', '"safe"'], ['task_id', '"evil"'])],
    ['request_state', callSafe(['requestState', '"safe"'], ['request_state', '"evil"'])],
    ['input_responses', callSafe(['input_responses', '{}'])],
    ['meta for _meta', callSafe(['_meta', '{}'], ['meta', object(['progress_token', quoted('evil')])])],
    ['meta alone', callSafe(['meta', object(['progressToken', quoted('evil')])])],
  ]),
  ...legacy('__proto__', 'refused', proto()),
];
