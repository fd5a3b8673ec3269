/** What every server must get, as it was sent: a proxy that refused all would pass everything else here. */
import { legacy, modernHeaders, post, type Input } from '../input.ts';
import { callSafe, escaped, MODERN, object, quoted, request, type Member } from '../message.ts';

interface Message {
  readonly method: string;
  readonly params: object;
}

const MESSAGES: Readonly<Record<string, Message>> = {
  'a call': {
    method: 'tools/call',
    params: { name: 'safe', arguments: { path: '/tmp', deep: [{ a: null }] } },
  },
  'a prompt': { method: 'prompts/get', params: { name: 'safe', arguments: { city: 'Zürich' } } },
  'a resource': { method: 'resources/read', params: { uri: 'file:///safe/a%20b?x=1#y' } },
  'a completion of a prompt': {
    method: 'completion/complete',
    params: { ref: { type: 'ref/prompt', name: 'safe' }, argument: { name: 'city', value: 'Z' } },
  },
  'a completion of a resource': {
    method: 'completion/complete',
    params: { ref: { type: 'ref/resource', uri: 'file:///{path}' }, argument: { name: 'path', value: '' } },
  },
};

const whole = ({ method, params }: Message) => ({ jsonrpc: '2.0', id: 1, method, params });
const plain = (message: Message): string => JSON.stringify(whole(message));
const SPELLINGS: Readonly<Record<string, (message: Message) => string>> = {
  plainly: plain,
  'on many lines': (message) => JSON.stringify(whole(message), undefined, 2),
  'with all white space': (message) =>
    ` \t\r\n${JSON.stringify(whole(message), undefined, '\t').replaceAll('\n', '\r\n')}\r\n `,
  'in another order': (message) => reversed(whole(message)),
  'every string escaped': (message) =>
    plain(message).replaceAll(/"((?:[^"\\]|\\.)*)"/g, (_, inner: string) => `"${escaped(inner)}"`),
  'with an id that is a string': (message) => JSON.stringify({ ...whole(message), id: 'é"\\' }),
  'with id 0': (message) => JSON.stringify({ ...whole(message), id: 0 }),
  'with a progress token': ({ method, params }) =>
    plain({ method, params: { ...params, _meta: { progressToken: 'p', 'com.example/x': { Name: 1 } } } }),
};

function reversed(value: unknown): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return JSON.stringify(value);
  const members = Object.entries(value).toReversed();
  return object(...members.map(([key, each]): Member => [key, reversed(each)]));
}

const NAMES: readonly string[] = [
  'a b',
  'a/b.c-d_e',
  'SAFE',
  'Safe',
  'sàfe',
  'sa\u0300fe',
  'сейф',
  '安全',
  '🔒',
  '👩‍💻',
  'a\u202eb',
  'a\u200bb',
  ' safe ',
  'a\nb',
  'a\tb',
  'a"b',
  'a\\b',
  'a\u007fb',
  'ſafe',
  '__proto__',
  'constructor',
  'null',
  '{"name":"evil"}',
  '\ufeffsafe',
  'x'.repeat(512),
  'é'.repeat(2_000),
];

const ARGUMENTS: Readonly<Record<string, string>> = {
  'an empty object': '{}',
  'every kind of value': '{"s":"x","n":1.5,"t":true,"f":false,"z":null,"a":[1,"2",[]],"o":{"p":{}}}',
  'keys of the protocol in other cases': '{"Name":"x","name":"y","METHOD":"z","Arguments":{},"_Meta":{}}',
  'keys of the protocol themselves': '{"jsonrpc":"x","id":[],"method":"tools/call","params":{"name":"evil"}}',
  'keys in snake case': '{"task_id":1,"taskId":2,"request_state":"x"}',
  'a key twice, deep': '{"a":{"x":1,"x":2}}',
  'a key twice in an array': '{"a":[{"x":1,"x":{"y":1}}]}',
  'keys that fold, deep': '{"a":{"Name":1,"name":2,"NAME":3}}',
  'an empty key': '{"":1}',
  'keys of Object.prototype': '{"constructor":1,"toString":"x","hasOwnProperty":{},"prototype":[]}',
  'keys that are numbers': '{"2":"b","1":"a","-0":"c"}',
  'keys in composed and decomposed forms': '{"é":1,"e\u0301":2}',
  'a rounded integer': '{"n":9007199254740993}',
  'a long integer': '{"n":123456789012345678901234567890}',
  'the largest double': '{"n":1.7976931348623157e308}',
  'the smallest double': '{"n":5e-324}',
  'less than the smallest': '{"n":1e-400}',
  'minus zero': '{"n":-0.0}',
  'many digits': '{"n":0.1000000000000000055511151231257827}',
  'an exponent': '{"n":[1E5,1e+5,1.0e-5,100e0]}',
  'a whole number as a fraction': '{"n":1.0}',
  'NUL in a value': '{"s":"a\\u0000b"}',
  'controls in a value': '{"s":"\\u0001\\u001f\u007f\\b\\f\\n\\r\\t"}',
  'a surrogate pair': '{"s":"\\ud83d\\ude00 \u{1f600}"}',
  'what is no character': '{"s":"\\uffff\\ufffe"}',
  'line separators': '{"s":"\u2028\u2029"}',
  'an escaped slash': '{"s":"<\\/script>"}',
  'a message as text': `{"s":${quoted(callSafe())}}`,
  'the deepest nesting': `{"a":${'['.repeat(60)}1${']'.repeat(60)}}`,
  'long text': `{"s":"${'é'.repeat(20_000)}"}`,
  'a thousand keys': object(...[...Array(1_000).keys()].map((each): Member => [`k${each}`, String(each)])),
};

const MORE: Readonly<Record<string, string>> = {
  'no arguments': callSafe(),
  'an unknown member of params': callSafe(['x-vendor', '{"Name":"evil"}']),
  'a negative id': callSafe().replace('"id":1', '"id":-7'),
  'method with an escape': callSafe().replace('tools/call', 'tools\\/c\\u0061ll'),
  'uri with escapes': request('resources/read', ['uri', '"file:\\/\\/\\/s\\u0061fe"']),
  'uri beyond ASCII': request('resources/read', ['uri', '"file:///сейф"']),
};

const VERSIONED: readonly (readonly [title: string, method: string, name: string, ...params: Member[]])[] = [
  ['a call', 'tools/call', 'safe', ['name', '"safe"'], ['arguments', '{"a":1}']],
  ['a name in Base64', 'tools/call', '=?base64?c8OkZmU=?=', ['name', '"s\u00e4fe"']],
  ['a plain name in Base64', 'tools/call', '=?base64?c2FmZQ==?=', ['name', '"safe"']],
  ['a name with spaces around, in Base64', 'tools/call', '=?base64?IHNhZmUg?=', ['name', '" safe "']],
  ['a name that looks encoded', 'tools/call', '=?base64?PT9iYXNlNjQ/eD89?=', ['name', '"=?base64?x?="']],
  ['a name with a comma', 'tools/call', 'a, b', ['name', '"a, b"']],
  ['a name with an escape in the body', 'tools/call', 'safe', ['name', '"s\\u0061fe"']],
  ['a prompt', 'prompts/get', 'safe', ['name', '"safe"'], ['arguments', '{"a":"b"}']],
  ['a resource', 'resources/read', 'file:///safe', ['uri', '"file:///safe"']],
];

export const honestInputs: readonly Input[] = [
  ...legacy(
    'honest messages, spelt in every way',
    'understood',
    Object.entries(MESSAGES).flatMap(([title, message]) =>
      Object.entries(SPELLINGS).map(([name, spell]) => [`${title}, ${name}`, spell(message)] as const),
    ),
  ),
  ...legacy(
    'honest names',
    'understood',
    NAMES.map(
      (name) =>
        [
          name.length > 40 ? `${name[0]} ${name.length} times` : quoted(name),
          request('tools/call', ['name', quoted(name)]),
        ] as const,
    ),
  ),
  ...legacy(
    'honest arguments',
    'understood',
    Object.entries(ARGUMENTS).map(([title, each]) => [title, callSafe(['arguments', each])] as const),
  ),
  ...legacy('honest messages, other', 'understood', Object.entries(MORE)),
  ...VERSIONED.map(([title, method, name, ...params]): Input => ({
    rule: 'honest messages of 2026-07-28',
    title,
    expect: 'understood',
    era: 'modern',
    bytes: post(request(method, ...params, MODERN), modernHeaders(method, name)),
    // It compares without decoding.
    ...(name.startsWith('=?base64') ? { refusedBy: ['Go SDK 1.8.0'] } : {}),
  })),
];
