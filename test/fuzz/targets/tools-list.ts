/** Taking tools out of lists: what is left parses to the allowed ones exactly, and every other byte is the server's. */
import { createToolsListEditor } from '../../../sidecar/filter/tools-list.ts';
import type { Random } from '../engine/random.ts';
import { hold, type Target } from '../engine/target.ts';
import { jsonTree, member } from '../oracles/json-tree.ts';
import { jsonText } from './json-text.ts';

/** Between the messages of an input: one editor sees them all, for it remembers the last list. */
const SEPARATOR = 0x1e;
export const isAllowed = (name: string): boolean => name.startsWith('a');

export const toolsList: Target = {
  name: 'tools-list',
  covers: ['sidecar/filter/tools-list.ts', 'sidecar/json/members.ts'],
  maxBytes: 8_192,
  dictionary: [
    '"result":',
    '"tools":',
    '"name":',
    '"tools":[{"name":"a"},{"name":"b"}]',
    '{"name":"b"}',
    ',{"name":"b"}',
    '{"name":"a"},',
    '"\\u0074ools":',
    '"re\\u0073ult":',
    '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"b"}]}}',
    '\x1e',
    '"result":{},',
    '"result":null,',
    '\\',
    '\\"',
    '\\\\',
    '"',
    ' ',
    '\n',
    '[',
    ']',
    '{',
    '}',
    ',',
    ':',
    '\xff',
    '\xef\xbb\xbf',
    'null',
    'NaN',
    '"name":1',
    '"Tools":',
  ],
  generate,
  run(bytes) {
    const edit = createToolsListEditor(({ name }) => ({ allowed: isAllowed(name), rule: 'x' }));
    for (const message of split(bytes)) {
      const expected = expectedOf(message);
      let found: Buffer | undefined;
      try {
        found = edit(message);
      } catch (error) {
        hold(expected === undefined, 'refused what is one JSON message', () => (error as Error).message);
        continue;
      }
      if (expected)
        hold(
          found.equals(expected) || (hasTwoResults(message) && parsed(found) === parsed(expected)),
          'not the list without what is not allowed',
          () => `  found    ${found.toString('latin1')}\n  expected ${expected.toString('latin1')}`,
        );
      else hold(found === message && !message.includes('"tools"'), 'let through a list that is no JSON');
    }
  },
};

/** The message with its list cut by somebody else; undefined when it is not one JSON message. */
export function expectedOf(message: Buffer): Buffer | undefined {
  let value: unknown;
  try {
    value = JSON.parse(message.toString('utf8'));
  } catch {
    return undefined;
  }
  if (Array.isArray(value)) return undefined;
  const list = member(member(jsonTree(message), 'result'), 'tools');
  if (!list?.elements) return message;
  const kept = list.elements
    .map(({ start, end }) => message.subarray(start, end))
    .filter((raw) => {
      const tool = JSON.parse(raw.toString('utf8')) as { name?: unknown } | null;
      return typeof tool?.name === 'string' && isAllowed(tool.name);
    });
  const joined = kept.flatMap((raw, index) => (index > 0 ? [Buffer.from(','), raw] : [raw]));
  return Buffer.concat([
    message.subarray(0, list.start),
    Buffer.from('['),
    ...joined,
    Buffer.from(']'),
    message.subarray(list.end),
  ]);
}

/** Of two results the first is read by nobody who reads as JSON.parse does; it may be filtered or not. */
export const hasTwoResults = (message: Buffer): boolean =>
  (jsonTree(message).members?.filter(([key]) => key === 'result').length ?? 0) > 1;
const parsed = (message: Buffer): string => JSON.stringify(JSON.parse(message.toString('utf8')));

function split(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(SEPARATOR); end >= 0; end = bytes.indexOf(SEPARATOR, start)) {
    found.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return [...found, bytes.subarray(start)];
}

const KEYS = ['name', 'name', 'annotations', 'inputSchema', 'tools', 'result', 'description', 'x'];

function generate(random: Random): Buffer {
  let last = '';
  const messages = Array.from({ length: 1 + random.int(4) }, () => {
    // The same list again, as most are, or almost the same.
    if (last === '' || !random.chance(0.4)) last = listText(random);
    const again = random.chance(0.2)
      ? last.replace(random.pick(['"b', '"a']), random.pick(['"a', '"c']))
      : last;
    const id = random.pick(['1', '"x"', '2', '""']);
    const result = `"result":${again}`;
    const parts = ['"jsonrpc":"2.0"', `"id":${id}`, random.chance(0.1) ? `${result} ` : result];
    if (random.chance(0.15)) parts.push(`${JSON.stringify(random.pick(KEYS))}:${jsonText(random, KEYS, 2)}`);
    if (random.chance(0.1)) parts.push(`"result":${listText(random)}`);
    if (random.chance(0.2)) parts.reverse();
    return `{${parts.join(',')}}`;
  });
  return Buffer.from(messages.join('\x1e'));
}

function listText(random: Random): string {
  const tools = Array.from({ length: random.int(5) }, () => {
    if (random.chance(0.1)) return jsonText(random, KEYS, 2);
    const name = random.pick(['a', 'b', 'a1', 'b1', 'secret', 'ab"', '\u00e9', 'a\\', '{', ']']);
    return `{"name":${JSON.stringify(name)}${random.chance(0.5) ? `,"x":${jsonText(random, KEYS, 2)}` : ''}}`;
  });
  const rest = random.chance(0.3) ? `,"nextCursor":${jsonText(random, KEYS, 1)}` : '';
  return `{${random.chance(0.1) ? `"x":${jsonText(random, KEYS, 2)},` : ''}"tools":[${tools.join(random.pick([',', ', ', ',\n']))}]${rest}}`;
}
