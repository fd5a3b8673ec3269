/** Bytes, strings, numbers and structure: where parsers of JSON differ. */
import { legacy, LEGACY_HEADERS, post, type Input } from '../input.ts';
import { callSafe, ENVELOPE, object, quoted, request, type Member } from '../message.ts';

/** Puts bytes where `~` stands. */
function withBytes(text: string, bytes: readonly number[]): Buffer {
  const [before = '', after = ''] = text.split('~');
  return Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]);
}

const BAD_UTF8: Readonly<Record<string, readonly number[]>> = {
  'a lone continuation byte': [0x80],
  'an overlong slash': [0xc0, 0xaf],
  'an overlong letter, three bytes': [0xe0, 0x81, 0xa1],
  'an encoded surrogate': [0xed, 0xa0, 0x80],
  'a cut character': [0xe2, 0x82],
  'a byte that never occurs': [0xff],
  'beyond U+10FFFF': [0xf4, 0x90, 0x80, 0x80],
  'Latin-1': [0xe9],
};
const WHERE: Readonly<Record<string, string>> = {
  'in a name': request('tools/call', ['name', '"sa~fe"']),
  'in a key of params': callSafe(['x~', '1']),
  'in arguments': callSafe(['arguments', '{"path":"~"}']),
  'in a key of arguments': callSafe(['arguments', '{"p~":1}']),
};

const LONE: Readonly<Record<string, string>> = {
  high: '\\ud800',
  low: '\\udfff',
  'high twice': '\\ud83d\\ud83d',
  'low before high': '\\ude00\\ud83d',
  'high before a letter': '\\ud83dx',
};

const calling = (name: string, ...more: readonly Member[]): string =>
  request('tools/call', ['name', name], ...more);
const text = Buffer.from(callSafe());

const deep = (depth: number, open: string, close: string): string =>
  callSafe(['arguments', `{"a":${open.repeat(depth)}1${close.repeat(depth)}}`]);

const NUMBERS = ['1e309', '-1e309', '1e999999', `1${'0'.repeat(400)}`, `-${'9'.repeat(5000)}`, '1.8e308'];
const NO_NUMBERS = [
  '01',
  '+1',
  '.5',
  '1.',
  '1e',
  '1e+',
  '--1',
  '0x10',
  '1_000',
  'NaN',
  'Infinity',
  '-Infinity',
  '1/2',
  '\u0661',
];
const NO_IDS = ['1.5', '1e-1', 'null', 'true', '{}', '[]', '[1]', '1e400'];
const envelope = (...members: readonly Member[]): string =>
  object(...members, ['params', object(['name', '"evil"'])]);
const METHOD: Member = ['method', '"tools/call"'];

export const textInputs: readonly Input[] = [
  ...legacy(
    'bytes that are not UTF-8',
    'refused',
    Object.entries(BAD_UTF8).flatMap(([name, bytes]) =>
      Object.entries(WHERE).map(([where, body]) => [`${name} ${where}`, withBytes(body, bytes)] as const),
    ),
  ),
  ...legacy('a byte order mark or another encoding', 'refused', [
    ['UTF-8 with a mark', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), text])],
    ['a mark behind a space', Buffer.concat([Buffer.from([0x20, 0xef, 0xbb, 0xbf]), text])],
    ['UTF-16, little end first', Buffer.from(callSafe(), 'utf16le')],
    ['UTF-16, big end first', Buffer.from(callSafe(), 'utf16le').swap16()],
    ['UTF-16 with a mark', Buffer.from(`\ufeff${callSafe()}`, 'utf16le')],
    ['UTF-16 with a mark, big end first', Buffer.from(`\ufeff${callSafe()}`, 'utf16le').swap16()],
    ['UTF-32', Buffer.from([...callSafe()].flatMap((letter) => [letter.charCodeAt(0), 0, 0, 0]))],
    ['UTF-7', callSafe().replaceAll('"', '+ACI-')],
  ]),
  ...legacy(
    'half of a surrogate pair',
    'refused',
    Object.entries(LONE).flatMap(([name, half]) => [
      [`${name}, in a name`, calling(`"safe${half}"`)] as const,
      [`${name}, in a key of params`, callSafe([`x${half}`, '1'])] as const,
      [`${name}, in arguments`, callSafe(['arguments', `{"path":"${half}"}`])] as const,
      [`${name}, in a uri`, request('resources/read', ['uri', `"file:///${half}"`])] as const,
    ]),
  ),
  ...legacy('NUL in a name', 'refused', [
    ['behind a tool', calling('"safe\\u0000evil"')],
    ['before a tool', calling('"\\u0000safe"')],
    ['alone', calling('"\\u0000"')],
    ['in a prompt', request('prompts/get', ['name', '"safe\\u0000"'])],
    ['in a uri', request('resources/read', ['uri', '"file:///safe\\u0000evil"'])],
    ['in ref.name', request('completion/complete', ['ref', '{"type":"ref/prompt","name":"safe\\u0000"}'])],
    ['in a method', object(...ENVELOPE, ['method', '"tools/call\\u0000"'], ['params', '{"name":"safe"}'])],
  ]),
  ...legacy('a name of another type', 'refused', [
    ...['1', 'null', 'true', '["safe"]', '{"name":"safe"}'].flatMap((value): [string, string][] => [
      [`tool ${value}`, calling(value)],
      [`uri ${value}`, request('resources/read', ['uri', value])],
    ]),
    ['no tool', request('tools/call')],
    ['no uri', request('resources/read')],
    ['no prompt', request('prompts/get')],
    ['no ref', request('completion/complete')],
    ['ref of an unknown type', request('completion/complete', ['ref', '{"type":"ref/x","name":"safe"}'])],
  ]),
  ...legacy('depth over 64', 'refused', [
    ['objects', deep(62, '{"a":', '}')],
    ['arrays', deep(62, '[', ']')],
    ['a thousand arrays', deep(1_000, '[', ']')],
    ['a hundred thousand arrays', deep(100_000, '[', ']')],
    ['objects that never end', callSafe().replace('}}', `,"a":${'{"a":'.repeat(100_000)}`)],
  ]),
  ...legacy('a batch that is none', 'refused', [
    ['empty', '[]'],
    ['of one id', `[${callSafe()},${calling('"evil"')}]`],
    ['in a batch', `[[${callSafe()}]]`],
    ['with two readings', `[${callSafe()},${request('tools/call', ['name', '"a"'], ['Name', '"b"'])}]`],
    ['with two documents', `[${callSafe()}]${callSafe()}`],
    [
      'of 51',
      `[${Array.from({ length: 51 }, (_, id) => callSafe().replace('"id":1', `"id":${id}`)).join(',')}]`,
    ],
  ]),
  // Servers get its messages one by one.
  ...legacy('a batch', 'understood', [
    ['of one', `[${callSafe()}]`],
    ['behind a space', ` [${callSafe()}]`],
  ]),
  ...legacy('a batch', 'judged', [
    ['of two', `[${callSafe()} , ${calling('"evil"').replace('"id":1', '"id":2')}]`],
  ]),
  {
    rule: 'a batch in another revision',
    title: 'of one',
    expect: 'refused',
    era: 'legacy',
    bytes: post(`[${callSafe()}]`, [...LEGACY_HEADERS, ['MCP-Protocol-Version', '2025-06-18']]),
  },
  ...legacy('a number beyond a double', 'refused', [
    ...NUMBERS.map((each): [string, string] => [
      `${each.slice(0, 12)} in arguments`,
      callSafe(['arguments', `{"n":${each}}`]),
    ]),
    ['as an element', callSafe(['arguments', '{"n":[1e999]}'])],
    ['as progress token', callSafe(['_meta', '{"progressToken":1e999}'])],
  ]),
  ...legacy(
    'what is no number',
    'refused',
    NO_NUMBERS.map((each) => [each, callSafe(['arguments', `{"n":${each}}`])] as const),
  ),
  ...legacy(
    'what is no id',
    'refused',
    NO_IDS.map(
      (id) => [id, object(['jsonrpc', '"2.0"'], ['id', id], METHOD, ['params', '{"name":"safe"}'])] as const,
    ),
  ),
  ...legacy('what is not JSON', 'refused', [
    ['nothing', ''],
    ['a second message behind', `${callSafe()}${calling('"evil"')}`],
    ['a second message on another line', `${callSafe()}\n${calling('"evil"')}`],
    ['a NUL behind', `${callSafe()}\0`],
    ['a bracket behind', `${callSafe()}}`],
    ['a comment', callSafe().replace('{', '{/*"method":"prompts/list",*/')],
    ['a comment to the end of the line', `//\n${callSafe()}`],
    ['a trailing comma', callSafe().replace(/}$/, ',}')],
    ['two commas', callSafe().replace(',', ',,')],
    ['single quotes', callSafe().replaceAll('"', "'")],
    ['a key without quotes', callSafe().replace('"name"', 'name')],
    ['a line feed in a string', calling('"sa\nfe"')],
    ['a tab in a string', calling('"sa\tfe"')],
    ['an unknown escape', calling('"\\safe"')],
    ['an escape of JavaScript', calling('"\\x73afe"')],
    ['an escape with braces', calling('"\\u{73}afe"')],
    ['a no-break space between', callSafe().replace(':', ':\u00a0')],
    ['a vertical tab between', callSafe().replace(':', ':\v')],
    ['a line separator between', callSafe().replace(':', ':\u2028')],
    ['cut short', callSafe().slice(0, -1)],
    ['a string', quoted(callSafe())],
    ['True', callSafe(['arguments', '{"a":True}'])],
    ['undefined', callSafe(['arguments', '{"a":undefined}'])],
    ['an XSSI prefix', `)]}',\n${callSafe()}`],
    ['a record separator', `\u001e${callSafe()}`],
    ['a form', 'jsonrpc=2.0&id=1&method=tools/call'],
  ]),
  ...legacy('what is not JSON-RPC', 'refused', [
    ['no version', envelope(['id', '1'], METHOD)],
    ['version 1.0', envelope(['jsonrpc', '"1.0"'], ['id', '1'], METHOD)],
    ['version as a number', envelope(['jsonrpc', '2.0'], ['id', '1'], METHOD)],
    ['method as a number', envelope(...ENVELOPE, ['method', '1'])],
    ['method empty', envelope(...ENVELOPE, ['method', '""'])],
    ['method with a space behind', envelope(...ENVELOPE, ['method', '"tools/call "'])],
    ['method with a line feed', envelope(...ENVELOPE, ['method', '"tools/call\\n"'])],
    ['method beyond ASCII', envelope(...ENVELOPE, ['method', '"tools/c\u0430ll"'])],
    ['request and result', envelope(...ENVELOPE, METHOD, ['result', '{}'])],
    ['request and error', envelope(...ENVELOPE, METHOD, ['error', '{"code":1,"message":"x"}'])],
    ['result and error', object(...ENVELOPE, ['result', '{}'], ['error', '{"code":1,"message":"x"}'])],
    ['neither of the three', object(...ENVELOPE)],
    ['params as an array', object(...ENVELOPE, METHOD, ['params', '["evil"]'])],
    ['params as an array of an object', object(...ENVELOPE, METHOD, ['params', '[{"name":"evil"}]'])],
    ['params as a string', object(...ENVELOPE, METHOD, ['params', quoted('{"name":"evil"}')])],
    ['params null', object(...ENVELOPE, METHOD, ['params', 'null'])],
  ]),
];
