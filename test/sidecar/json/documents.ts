/** JSON documents for properties: whole ones, written in every spelling that JSON allows, and broken ones. */
import fc from 'fast-check';

const PROTOCOL = ['jsonrpc', 'id', 'method', 'params', 'name', 'arguments', '_meta', 'task', 'content'];
const FOLDING = ['Name', 'NAME', 'ta\u017fk', 'tas\u212a', '\uff49\uff44', 'na\0me', '__proto__', 'Params'];

const space = fc.constantFrom('', '', '', ' ', '\n', '\r\n', '\t');
const key = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...PROTOCOL) },
  { weight: 3, arbitrary: fc.string({ maxLength: 4, unit: 'grapheme' }) },
  { weight: 1, arbitrary: fc.constantFrom(...FOLDING) },
);
/** A string in one of the spellings that mean it. */
const spelt = (text: fc.Arbitrary<string>) =>
  fc
    .tuple(text, fc.boolean())
    .map(([each, escaped]) =>
      escaped
        ? `"${[...Array(each.length).keys()].map((at) => `\\u${each.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`
        : JSON.stringify(each),
    );
const scalar = fc.oneof(
  spelt(fc.string({ maxLength: 6, unit: 'grapheme' })),
  fc.constantFrom('true', 'false', 'null', '0', '-0', '-1.5e3', '1E+2', '12345678901234567890'),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((each) => JSON.stringify(each)),
);
const listOf = (open: string, close: string, parts: fc.Arbitrary<string>) =>
  fc
    .tuple(fc.array(parts, { maxLength: 4 }), space, space)
    .map(([each, before, after]) => `${open}${before}${each.join(`${after},${before}`)}${after}${close}`);
const members = (value: fc.Arbitrary<string>) =>
  listOf(
    '{',
    '}',
    fc.tuple(spelt(key), space, space, value).map(([name, a, b, each]) => `${name}${a}:${b}${each}`),
  );

const { value } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    scalar,
    listOf('[', ']', tie('value')),
    members(tie('value')),
  ),
}));

/** Valid JSON whose top is an object. */
export const jsonDocument = fc
  .tuple(space, members(value), space)
  .map(([before, object, after]) => before + object + after);

const edit = fc.record({
  at: fc.nat(400),
  remove: fc.nat(3),
  insert: fc.oneof(
    fc.constantFrom(
      '"',
      '\\',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '0',
      '-',
      'e',
      ' ',
      '\0',
      '\n',
      '"name":1,',
      'null',
    ),
    fc.constantFrom(
      Buffer.from([0xc3]),
      Buffer.from([0xed, 0xa0, 0x80]),
      Buffer.from([0xff]),
      Buffer.from([0xef, 0xbb, 0xbf]),
    ),
  ),
});

/** Bytes near to JSON: a document with some bytes taken out and others put in. */
export const hostileJson = fc.tuple(jsonDocument, fc.array(edit, { maxLength: 3 })).map(([text, edits]) =>
  edits.reduce<Buffer>((bytes, { at, remove, insert }) => {
    const start = at % (bytes.length + 1);
    return Buffer.concat([
      bytes.subarray(0, start),
      Buffer.from(insert as string),
      bytes.subarray(start + remove),
    ]);
  }, Buffer.from(text)),
);
