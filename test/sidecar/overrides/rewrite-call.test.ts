import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { readClientMessage, type ClientMessage } from '../../../sidecar/client-message.ts';
import { asBytes } from '../../../sidecar/json/splice.ts';
import { rewriteCall } from '../../../sidecar/overrides/rewrite-call.ts';

const read = (text: string): ClientMessage => {
  const message = readClientMessage(Buffer.from(text));
  assert.ok(!('reason' in message), text);
  return message;
};
const gap = fc.constantFrom('', ' ', '\n\t');
const member = (key: string, values: readonly string[]) =>
  fc.tuple(gap, gap, fc.constantFrom(...values)).map(([a, b, value]) => `${a}"${key}"${b}:${value}${a}`);
const object = (parts: readonly fc.Arbitrary<string>[]) =>
  fc
    .tuple(...parts)
    .chain((each) => fc.shuffledSubarray(each, { minLength: each.length }))
    .map((each) => `{${each.join(',')}}`);
const params = fc
  .tuple(
    member('name', ['"get"', '"g\\u0065t"']),
    fc.option(
      member('arguments', ['{}', '{ }', 'null', '{"a":1e2,"b":"é"}', '{"b" : [1] , "drop":{"a":"}"}}']),
    ),
    fc.option(member('_meta', ['{}', '{"progressToken":12345678901234567890, "x":"é"}'])),
    fc.option(member('more', ['1', '"x"'])),
  )
  .map((parts) => parts.filter((each) => each !== null));
const call = params
  .chain((parts) => object(parts.map((each) => fc.constant(each))))
  .chain((text) =>
    object([
      member('jsonrpc', ['"2.0"']),
      member('id', ['7', '"é"']),
      member('method', ['"tools/call"']),
      member('params', [text]),
    ]),
  );

describe('a call as the server is sent it', () => {
  test('is what whoever reads it anew would read', () =>
    fc.assert(
      fc.property(
        call,
        fc.constantFrom('g', 'kubectl_get', ''),
        fc.constantFrom(undefined, [], ['"ns":"ü"', '"x":{"y":[1]}']),
        (text, name, pieces) => {
          const message = read(text);
          const without = text.includes('"drop"') ? ['drop'] : [];
          const made = rewriteCall(message, name, pieces && { pieces: pieces.map(asBytes), without });
          assert.deepEqual(
            { ...made, document: spansOf(made) },
            { ...read(made.raw.toString()), document: spansOf(read(made.raw.toString())) },
          );
          const { params: given } = JSON.parse(text);
          const { params: sent, ...rest } = JSON.parse(made.raw.toString());
          const added = JSON.parse(`{${(pieces ?? []).join(',')}}`);
          const { drop: _, ...kept } = given.arguments ?? {};
          const args = pieces ? { ...added, ...kept } : given.arguments;
          assert.deepEqual(sent.name, name);
          assert.deepEqual(sent.arguments ?? {}, args ?? {});
          assert.deepEqual([sent._meta, sent.more], [given._meta, given.more]);
          assert.equal(rest.method, 'tools/call');
        },
      ),
      { numRuns: 500 },
    ));
});

const spansOf = ({ document: { top, params: given, meta } }: ClientMessage) => [top, given, meta];
