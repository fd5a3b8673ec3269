import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  MAX_DEPTH,
  readStrict,
  StrictError,
  type StrictDocument,
} from '../../../sidecar/json/strict-reader.ts';
import { hostileJson, jsonDocument } from './documents.ts';

type Verdict = StrictDocument | StrictError;

function read(input: string | Buffer): Verdict {
  try {
    return readStrict(Buffer.from(input as string));
  } catch (error) {
    if (error instanceof StrictError) return error;
    throw error;
  }
}

const members = (count: number) => [...Array(count).keys()].map((each) => `"k${each}":1`).join(',');
const nested = (depth: number) => `${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`;

const NOT_JSON: Record<string, string | Buffer> = {
  nothing: '',
  'white space alone': ' \n',
  'a string at the top': '"a"',
  'a number at the top': '1',
  'null at the top': 'null',
  'an open object': '{"a":1',
  'an open string': '{"a":"b',
  'an open key': '{"a',
  'a missing colon': '{"a" 1}',
  'a missing value': '{"a":}',
  'a trailing comma in an object': '{"a":1,}',
  'a trailing comma in an array': '{"a":[1,]}',
  'a leading comma': '{,"a":1}',
  'a key without quotes': '{a:1}',
  'single quotes': "{'a':1}",
  'a comment': '{"a":1/*x*/}',
  'a second document': '{}{}',
  'a NUL behind the document': '{}\0',
  'a raw line feed in a string': '{"a":"\n"}',
  'a raw NUL in a key': '{"na\0me":1}',
  'an unknown escape': '{"a":"\\x41"}',
  'a short Unicode escape': '{"a":"\\u12"}',
  'a Unicode escape with a sign': '{"a":"\\u+123"}',
  'a backslash at the end': '{"a":"\\',
  'a leading zero': '{"a":01}',
  'a leading plus': '{"a":+1}',
  'a bare minus': '{"a":-}',
  'a dot without digits': '{"a":1.}',
  'a dot in front': '{"a":.5}',
  'an exponent without digits': '{"a":1e}',
  hexadecimal: '{"a":0x10}',
  NaN: '{"a":NaN}',
  Infinity: '{"a":-Infinity}',
  True: '{"a":True}',
  'a word cut short': '{"a":tru}',
  'a word too long': '{"a":nulll}',
  'a no-break space between tokens': '{"a":\u00a01}',
  'a form feed between tokens': '{"a":\f1}',
  'UTF-16 without a mark': Buffer.from('{"a":1}', 'utf16le'),
  'an overlong encoding': Buffer.from([0x7b, 0x22, 0xc1, 0xa1, 0x22, 0x3a, 0x31, 0x7d]),
  'an encoded surrogate': Buffer.from([0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d]),
  'a cut multi-byte character': Buffer.from([0x7b, 0x22, 0xe2, 0x82, 0x22, 0x3a, 0x31, 0x7d]),
};

/** Name, document, and what the refusal says. */
const NOT_STRICT: Record<string, readonly [string | Buffer, RegExp]> = {
  'a byte order mark': ['\ufeff{}', /byte order mark/],
  'a byte order mark of UTF-16': [Buffer.from('\ufeff{}', 'utf16le'), /byte order mark/],
  'a byte order mark of UTF-16, other end first': [
    Buffer.from('\ufeff{}', 'utf16le').swap16(),
    /byte order mark/,
  ],
  'a batch': ['[{"jsonrpc":"2.0"}]', /batch/],
  'a key twice at the top': ['{"method":"a","method":"b"}', /duplicate key "method"/],
  'a key twice, once escaped': ['{"method":"a","m\\u0065thod":"b"}', /duplicate key "method"/],
  'a key twice in params': ['{"params":{"name":"a","name":"b"}}', /duplicate key "name"/],
  'params twice': ['{"params":{"name":"a"},"params":{}}', /duplicate key "params"/],
  'a key twice in _meta': ['{"params":{"_meta":{"x":1,"x":2}}}', /duplicate key "x"/],
  'a key twice at the top of arguments': ['{"params":{"arguments":{"x":1,"x":2}}}', /duplicate key "x"/],
  'a key twice in another object of params': ['{"params":{"ref":{"x":1,"x":2}}}', /duplicate key "x"/],
  'a key twice in a result': ['{"result":{"content":[{"x":1,"x":2}]}}', /duplicate key "x"/],
  'the third key equal to the second': ['{"params":{"ref":{"x":1,"y":2,"y":3}}}', /duplicate key "y"/],
  'another case at the top': ['{"Method":"a"}', /reads like/],
  'another case in params': ['{"params":{"name":"safe","Name":"evil"}}', /"Name" reads like/],
  'another case, alone': ['{"params":{"NAME":"evil"}}', /reads like/],
  'another case, escaped': ['{"params":{"\\u004eame":"evil"}}', /reads like/],
  'another case of _meta': ['{"params":{"_META":{}}}', /reads like/],
  'another case of a key of _meta': [
    '{"params":{"_meta":{"io.modelcontextprotocol/ProtocolVersion":"x"}}}',
    /reads like/,
  ],
  'a Kelvin sign': ['{"params":{"tas\u212a":1}}', /reads like/],
  'a long s': ['{"params":{"argument\u017f":{}}}', /reads like/],
  'a long s, escaped': ['{"param\\u017f":{}}', /reads like/],
  'full width': ['{"params":{"\uff4e\uff41\uff4d\uff45":"evil"}}', /reads like/],
  'a NUL in a key': ['{"params":{"name\\u0000":"evil"}}', /NUL/],
  'a NUL in a key of arguments': ['{"params":{"arguments":{"a\\u0000":1}}}', /NUL/],
  'a lone surrogate in a key': ['{"params":{"a\\ud800":1}}', /lone surrogate/],
  'a lone surrogate in a value': ['{"a":"\\ud800"}', /lone surrogate, at byte 6/],
  'a lone surrogate deep in arguments': ['{"params":{"arguments":{"a":["\\udc00"]}}}', /lone surrogate/],
  'a high surrogate twice': ['{"a":"\\ud83d\\ud83d"}', /lone surrogate/],
  'a high surrogate before a letter': ['{"a":"\\ud83dx"}', /lone surrogate/],
  'a high surrogate before another escape': ['{"a":"\\ud83d\\n"}', /lone surrogate/],
  'a number beyond a double': ['{"a":1e309}', /beyond a double/],
  'a negative number beyond a double': ['{"a":[-1e999]}', /beyond a double/],
  'a long number beyond a double': [`{"a":${'9'.repeat(400)}}`, /beyond a double/],
  'a dotless i': ['{"params":{"ur\u0131":"evil"}}', /reads like/],
  'a dotted capital I': ['{"params":{"UR\u0130":"evil"}}', /reads like/],
  'a key in snake case': ['{"params":{"task_id":"evil"}}', /"task_id" reads like/],
  'meta for _meta': ['{"params":{"meta":{}}}', /"meta" reads like/],
  'a soft hyphen': ['{"params":{"na\u00adme":"evil"}}', /reads like/],
  'a zero width space': ['{"params":{"name\u200b":"evil"}}', /reads like/],
  'a space behind a key': ['{"params":{"name ":"evil"}}', /reads like/],
  'another case in ref': ['{"params":{"ref":{"type":"ref/prompt","Name":"evil"}}}', /"Name" reads like/],
  'another case in argument': ['{"params":{"argument":{"Value":"evil"}}}', /reads like/],
  'another case in context': ['{"params":{"context":{"Arguments":{}}}}', /reads like/],
  'another case in clientInfo': ['{"params":{"clientInfo":{"Name":"evil"}}}', /reads like/],
  'another case in clientInfo of _meta': [
    '{"params":{"_meta":{"io.modelcontextprotocol/clientInfo":{"Version":"1"}}}}',
    /reads like/,
  ],
  'another case in capabilities': ['{"params":{"capabilities":{"Roots":{}}}}', /reads like/],
  'another case in notifications': ['{"params":{"notifications":{"ToolsListChanged":true}}}', /reads like/],
  'another case in an input response': ['{"params":{"inputResponses":{"a":{"Action":"x"}}}}', /reads like/],
  'another case in a task': ['{"params":{"task":{"TTL":1}}}', /reads like/],
  'another case in a result': ['{"result":{"Action":"accept"}}', /reads like/],
  'another case in a root': ['{"result":{"roots":[{"URI":"evil"}]}}', /reads like/],
  'another case in an error': ['{"error":{"Code":1}}', /reads like/],
  'too many members that are kept': [`{"params":{${members(1_001)}}}`, /more than 1000 members, at byte/],
  'too many arguments': [`{"params":{"arguments":{${members(10_002)}}}}`, /more than 10000 members/],
  'too many members of another object': [
    `{"params":{"ref":{${members(10_002)}}}}`,
    /more than 10000 members/,
  ],
  __proto__: ['{"__proto__":{}}', /__proto__/],
  '__proto__, escaped': ['{"\\u005f_proto__":{}}', /__proto__/],
  '__proto__ deep in arguments': ['{"params":{"arguments":{"a":[{"__proto__":{}}]}}}', /__proto__/],
  'an object one too deep': [nested(MAX_DEPTH + 1), /deeper than 64/],
  'an array one too deep': [`{"a":${'['.repeat(MAX_DEPTH)}${']'.repeat(MAX_DEPTH)}}`, /deeper than 64/],
  'depth without an end': ['{"a":'.repeat(100_000), /deeper than 64/],
};

const ACCEPTED: Record<string, string> = {
  'an empty object': '{}',
  'white space of all four kinds': ' \t\r\n{ \t\r\n"a" : [ 1 , 2 ] }\n',
  'the deepest object': nested(MAX_DEPTH),
  'the deepest array': `{"a":${'['.repeat(MAX_DEPTH - 1)}${']'.repeat(MAX_DEPTH - 1)}}`,
  'a protocol key that is escaped': '{"params":{"n\\u0061me":"x"}}',
  'a name of another case in arguments': '{"params":{"name":"x","arguments":{"Name":"y","name":"z"}}}',
  'a key twice deep in arguments': '{"params":{"arguments":{"a":{"x":1,"x":2}}}}',
  'a number that a double rounds': '{"id":123456789012345678901234567890,"a":1e-999}',
  'the largest double': '{"a":1.7976931348623157e308}',
  'every escape': '{"a":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00"}',
  'a surrogate pair, escaped': '{"a":"\\ud83d\\udE00","\\ud83d\\ude00":1}',
  'fields of a form that are named as keys of the protocol': '{"result":{"content":{"Name":"x","Type":"y"}}}',
  'capabilities of vendors': '{"params":{"capabilities":{"experimental":{"Name":{},"Roots":{}}}}}',
  'arguments of a completion': '{"params":{"context":{"arguments":{"Name":"x","name":"y"}}}}',
  'keys of vendors in _meta': '{"params":{"_meta":{"com.example/Name":1,"Name":2,"Version":3}}}',
  'as many members as are kept': `{"params":{${members(1_000)}}}`,
  'many members deep in arguments': `{"params":{"arguments":{"a":{${members(20_000)}}}}}`,
  'every number': '{"a":[0,-0,1,-1,10,1.5,-0.1,1e5,1E+5,1e-5,1.5e10]}',
  'text beyond ASCII': '{"ключ":"значение 😀","a":"\u2028\u007f"}',
};

describe('strict reading', () => {
  for (const [name, input] of Object.entries(NOT_JSON)) {
    test(`refuses as not JSON: ${name}`, () => {
      const verdict = read(input);
      assert.ok(verdict instanceof StrictError, 'was accepted');
      assert.equal(verdict.reason, 'not-json', verdict.message);
    });
  }

  for (const [name, [input, message]] of Object.entries(NOT_STRICT)) {
    test(`refuses as not strict: ${name}`, () => {
      const verdict = read(input);
      assert.ok(verdict instanceof StrictError, 'was accepted');
      assert.equal(verdict.reason, 'not-strict', verdict.message);
      assert.match(verdict.message, message);
    });
  }

  for (const [name, input] of Object.entries(ACCEPTED)) {
    test(`accepts: ${name}`, () => {
      const verdict = read(input);
      assert.ok(!(verdict instanceof StrictError), (verdict as StrictError).message);
      assertSameView(Buffer.from(input), verdict);
    });
  }

  test('a refusal says where, and quotes no more of a key than is needed to find it', () => {
    const { message } = read(
      `{"params":{},"${'secret'.repeat(50)}":1,"${'secret'.repeat(50)}":2}`,
    ) as StrictError;
    assert.match(message, /^duplicate key ".{40}…", at byte 318$/);
  });

  test('members of objects in arrays are not handed out', () => {
    const { params, meta } = readStrict(
      Buffer.from('{"params":[{"name":"a"},{"name":"b","_meta":{"x":1}}]}'),
    );
    assert.deepEqual([...params, ...meta], []);
  });

  test('a refusal never quotes a value', () => {
    for (const [input] of Object.values(NOT_STRICT))
      assert.doesNotMatch((read(input) as StrictError).message, /evil|safe/);
  });
});

describe('strict reading beside JSON.parse', () => {
  test('a document that nothing is wrong with is accepted and read alike', () => {
    fc.assert(
      fc.property(jsonDocument, (text) => {
        const verdict = read(text);
        // Generated keys may fold to a protocol key or repeat; that is the only ground for a refusal.
        if (verdict instanceof StrictError) assert.equal(verdict.reason, 'not-strict', verdict.message);
        else assertSameView(Buffer.from(text), verdict);
      }),
      { numRuns: 3_000 },
    );
  });

  test('mutated documents are refused, or read alike', () => {
    fc.assert(fc.property(hostileJson, holds), { numRuns: 20_000 });
  });

  test('any bytes are refused, or read alike', () => {
    const bytes = fc.uint8Array({ maxLength: 40 }).map((each) => Buffer.from(each));
    const wrapped = fc.tuple(
      fc.constantFrom('{"a":', '{"', '{"params":{"'),
      bytes,
      fc.constantFrom('}', '":1}', '":1}}', ''),
    );
    fc.assert(
      fc.property(
        wrapped.map(([head, middle, tail]) => Buffer.concat([Buffer.from(head), middle, Buffer.from(tail)])),
        holds,
      ),
      { numRuns: 10_000 },
    );
  });

  test('numbers and escapes are the ones of JSON.parse', () => {
    const number = fc
      .array(fc.constantFrom(...'0123456789+-.eE'), { maxLength: 8 })
      .map((each) => each.join(''));
    const escaped = fc
      .array(
        fc.constantFrom('\\', '\\\\', '\\u', 'u', '0', 'd', '8', 'F', 'g', 'n', '"', '/', '\\ud83d', 'é'),
        { maxLength: 8 },
      )
      .map((each) => `"${each.join('')}"`);
    fc.assert(
      fc.property(fc.oneof(number, escaped), fc.boolean(), (value, asKey) =>
        holds(Buffer.from(asKey ? `{${value}:1}` : `{"a":${value}}`)),
      ),
      { numRuns: 20_000 },
    );
  });
});

/** Accepted only with JSON.parse's reading; refused as not JSON only with JSON.parse. */
function holds(bytes: Buffer): void {
  const verdict = read(bytes);
  const parsed = parse(bytes);
  if (!(verdict instanceof StrictError)) {
    assert.ok(parsed.ok, 'accepted what JSON.parse refuses');
    assertSameView(bytes, verdict);
  } else if (verdict.reason === 'not-json') {
    const isObject = parsed.ok && typeof parsed.value === 'object' && parsed.value !== null;
    assert.ok(!isObject || !isUtf8(bytes), `refused as not JSON: ${bytes.toString()}`);
  }
}

function parse(bytes: Buffer): { ok: true; value: unknown } | { ok: false } {
  try {
    return { ok: true, value: JSON.parse(bytes.toString('utf8')) };
  } catch {
    return { ok: false };
  }
}

/** The members that the spans name are those that JSON.parse sees, no more, no fewer. */
function assertSameView(bytes: Buffer, document: StrictDocument): void {
  const value = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
  const params = asObject(value['params']);
  const views = [
    [document.top, value],
    [document.params, params],
    [document.meta, asObject(params['_meta'])],
  ] as const;
  for (const [spans, object] of views) {
    assert.deepEqual([...spans.keys()].toSorted(), Object.keys(object).toSorted());
    for (const [key, { start, end }] of spans)
      assert.deepEqual(JSON.parse(bytes.toString('utf8', start, end)), object[key]);
  }
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}
