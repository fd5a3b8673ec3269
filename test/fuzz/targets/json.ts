/** What a client's message says: to us, to JSON.parse, and to a Go server that folds case. All the same, or refused. */
import { readClientMessage, text, type ClientMessage } from '../../../sidecar/client-message.ts';
import { elements, members } from '../../../sidecar/json/members.ts';
import type { Random } from '../engine/random.ts';
import { hold, holdEqual, type Target } from '../engine/target.ts';
import { jsonTree, member, memberInGo, type JsonNode } from '../oracles/json-tree.ts';
import { depthOf, jsonText } from './json-text.ts';

const TOP = ['jsonrpc', 'id', 'method', 'params', 'result', 'error'];
const PARAMS = [
  'name',
  'uri',
  'arguments',
  'cursor',
  '_meta',
  'taskId',
  'ref',
  'requestState',
  'inputResponses',
  'task',
];
const VERSION = 'io.modelcontextprotocol/protocolVersion';

export const json: Target = {
  name: 'json',
  covers: ['sidecar/json/strict-reader.ts', 'sidecar/json/members.ts', 'sidecar/client-message.ts'],
  maxBytes: 8_192,
  dictionary: [
    ...[...TOP, ...PARAMS].map((key) => `"${key}":`),
    '"tools/call"',
    '"resources/read"',
    '"2.0"',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a"}}',
    '"na\\u006de":',
    '"\\u006eame":',
    '"\\u004eame":',
    '"N\\u0061me":',
    '"Name":',
    '"NAME":',
    '"name\\u0000":',
    '"ur\\u0131":',
    '"ta\xc5\xbfkId":',
    '"ta\xe2\x84\xaa":',
    '"\xef\xbd\x89d":',
    '"__proto__":',
    '"\\u005f_proto__":',
    '\\ud800',
    '\\udc00',
    '\\u0000',
    '\\',
    '\\"',
    '\\\\',
    '\\\\"',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    'null',
    'true',
    '1e999',
    '-0',
    '01',
    '1.0',
    '\xef\xbb\xbf',
    '\xff',
    '\xed\xa0\x80',
    '\xc0\xae',
    '\0',
    '\n',
    ' ',
    '\xc2\xa0',
    '/*',
    '//',
    "'",
    'NaN',
    '{"a":'.repeat(70),
    '['.repeat(70),
  ],
  generate,
  run(bytes) {
    const parsed = parse(bytes);
    const message = readClientMessage(bytes);
    if (parsed === undefined) return void hold('reason' in message, 'accepted what JSON.parse refuses');
    const tree = jsonTree(bytes);
    if (tree.members) membersAgree(bytes, tree);
    if ('reason' in message)
      return void hold(!isPlain(tree, parsed.value), 'refused what is plain', () => JSON.stringify(message));
    hold(tree.members, 'accepted what is no object');
    hold(bytes.equals(Buffer.from(bytes.toString('utf8'))), 'accepted what is no UTF-8');
    hold(message.raw.equals(bytes), 'other bytes than were judged');
    hold(depthOf(tree) <= 64, 'accepted what is nested deeper than 64');
    agree(bytes, tree, parsed.value as Record<string, unknown>, message);
  },
};

/** Every reader finds the same values in the same places. */
function agree(bytes: Buffer, tree: JsonNode, value: Record<string, unknown>, message: ClientMessage): void {
  const params = member(tree, 'params');
  for (const key of TOP) same(tree, key);
  for (const key of PARAMS) same(params, key);
  for (const [found, node, what] of [
    [message.document.top, tree, 'top'],
    [message.document.params, params, 'params'],
    [message.document.meta, member(params, '_meta'), '_meta'],
  ] as const) {
    const expected = (node?.members ?? []).map(([key, { start, end }]) => [key, start, end]);
    holdEqual(
      [...found].map(([key, { start, end }]) => [key, start, end]),
      expected,
      `other members of ${what}`,
    );
  }
  const args = member(params, 'arguments');
  if (args?.members)
    hold(new Set(args.members.map(([key]) => key)).size === args.members.length, 'arguments twice');
  hold(value['jsonrpc'] === '2.0', 'not JSON-RPC');
  holdEqual(message.method, value['method'] ?? '', 'another method');
  const id = member(tree, 'id');
  holdEqual(message.id, id && bytes.toString('utf8', id.start, id.end), 'another id');
  const given = value['params'] as Record<string, unknown> | undefined;
  const target = targetOf(message.method, given);
  if (target.required) hold(typeof message.target === 'string', 'no target where one is needed');
  if (target.key !== undefined && typeof given?.[target.key] === 'string')
    holdEqual(message.target, given[target.key], 'another target');
  for (const key of ['name', 'uri'])
    if (typeof given?.[key] === 'string')
      holdEqual(text(bytes, message.document.params.get(key)), given[key], `another ${key}`);
  if (message.method !== '')
    hold(
      (message.era === 'modern') === (member(member(params, '_meta'), VERSION) !== undefined),
      'another era',
    );
}

function same(node: JsonNode | undefined, key: string): void {
  hold(member(node, key)?.start === memberInGo(node, key)?.start, `Go reads another "${key}"`);
  const count = node?.members?.filter(([name]) => name === key).length ?? 0;
  hold(count <= 1, `"${key}" is there ${count} times`);
}

function targetOf(method: string, _params: unknown): { key?: string; required: boolean } {
  if (method === 'tools/call' || method === 'prompts/get') return { key: 'name', required: true };
  if (method === 'resources/read') return { key: 'uri', required: true };
  return method.startsWith('resources/') && method.endsWith('subscribe')
    ? { key: 'uri', required: false }
    : { required: false };
}

function membersAgree(bytes: Buffer, tree: JsonNode): void {
  const expected = new Map(tree.members!.map(([key, { start, end }]) => [key, [start, end]]));
  const found = new Map([...members(bytes, tree.start)].map(([key, { start, end }]) => [key, [start, end]]));
  holdEqual([...found].toSorted(), [...expected].toSorted(), 'members that JSON.parse does not see');
  for (const [, node] of tree.members!)
    if (node.elements)
      holdEqual(
        elements(bytes, node.start).map(({ start, end }) => [start, end]),
        node.elements.map(({ start, end }) => [start, end]),
        'elements that JSON.parse does not see',
      );
}

const PLAIN_KEYS = new Set([
  'jsonrpc',
  'id',
  'method',
  'params',
  'name',
  'arguments',
  '_meta',
  'a',
  'b',
  'c',
]);

/** A call that nobody could misread: it must go through. */
function isPlain(tree: JsonNode, value: unknown): boolean {
  const { jsonrpc, id, method, params } = (value ?? {}) as Record<string, unknown>;
  const { name, arguments: args, _meta: meta } = (params ?? {}) as Record<string, unknown>;
  if (jsonrpc !== '2.0' || method !== 'tools/call' || typeof name !== 'string') return false;
  if (typeof id !== 'string' && !Number.isSafeInteger(id)) return false;
  if (!isObject(value) || !isObject(params) || (args !== undefined && !isObject(args))) return false;
  if ((value as object).hasOwnProperty('a') || (meta !== undefined && !isObject(meta))) return false;
  return (
    depthOf(tree) < 20 &&
    isPlainValue(tree) &&
    /^[\x20-\x7e]*$/.test(JSON.stringify(value)) &&
    !JSON.stringify(value).includes('\\u') &&
    !/[.eE]/.test(JSON.stringify(numbersOf(value)))
  );
}

const isObject = (each: unknown): boolean =>
  typeof each === 'object' && each !== null && !Array.isArray(each);

function isPlainValue({ members: own, elements: each }: JsonNode): boolean {
  if (own)
    return (
      new Set(own.map(([key]) => key)).size === own.length &&
      own.every(([key, node]) => PLAIN_KEYS.has(key) && isPlainValue(node))
    );
  return each?.every(isPlainValue) ?? true;
}

function numbersOf(value: unknown): unknown[] {
  if (typeof value === 'number') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersOf) : [];
}

function parse(bytes: Buffer): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(bytes.toString('utf8')) };
  } catch {
    return undefined;
  }
}

const KEYS = [
  ...TOP,
  ...PARAMS,
  ...TOP,
  ...PARAMS,
  'a',
  'b',
  'Name',
  'NAME',
  'ID',
  'Method',
  'Params',
  'URI',
  'Arguments',
  'tas\u212a',
  'ta\u017fk',
  'na\0me',
  '\uff49d',
  '__proto__',
  '_META',
  'ur\u0131',
  'method\0',
];

function generate(random: Random): Buffer {
  const object = (keys: readonly string[], depth: number): string =>
    `{${Array.from({ length: random.int(4) }, () => `${spelt(random, random.pick(keys))}:${jsonText(random, KEYS, depth)}`).join(',')}}`;
  const method = random.pick([
    'tools/call',
    'tools/call',
    'tools/list',
    'prompts/get',
    'resources/read',
    'initialize',
    'ping',
    'notifications/cancelled',
  ]);
  const extra = (keys: readonly string[]): string[] =>
    random.chance(0.4) ? [`${spelt(random, random.pick(keys))}:${jsonText(random, KEYS, 2)}`] : [];
  const params = [
    `"name":"a"`,
    ...(random.chance(0.5) ? [`"arguments":${object(KEYS, 2)}`] : []),
    ...(random.chance(0.3) ? ['"uri":"x:y"'] : []),
    ...(random.chance(0.3)
      ? [`"_meta":${random.chance(0.5) ? `{"${VERSION}":"2026-07-28"}` : object(KEYS, 1)}`]
      : []),
    ...extra(KEYS),
  ];
  const top = [
    '"jsonrpc":"2.0"',
    ...(random.chance(0.9)
      ? [`"id":${random.pick(['1', '"x"', '0', '-1', '12345678901234567890', 'null', '1.5', '"\\u0061"'])}`]
      : []),
    `"method":"${method}"`,
    `"params":{${shuffled(random, params).join(random.pick([',', ' , ', ',\n']))}}`,
    ...extra(KEYS),
  ];
  return Buffer.from(
    `{${shuffled(random, top).join(',')}}${random.chance(0.05) ? random.pick(['{}', ' ', '\n', ',', '\0']) : ''}`,
  );
}

const shuffled = (random: Random, parts: string[]): string[] =>
  random.chance(0.5)
    ? parts
    : parts
        .map((part) => [random.int(1000), part] as const)
        .toSorted((a, b) => a[0] - b[0])
        .map(([, part]) => part);

/** A key in one of the spellings that mean it. */
function spelt(random: Random, key: string): string {
  if (!random.chance(0.25)) return JSON.stringify(key);
  const escaped = Array.from({ length: key.length }, (_, at) =>
    random.chance(0.4)
      ? `\\u${key.charCodeAt(at).toString(16).padStart(4, '0')}`
      : JSON.stringify(key[at]).slice(1, -1),
  );
  return `"${escaped.join('')}"`;
}
