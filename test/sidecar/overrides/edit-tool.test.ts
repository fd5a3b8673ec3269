import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';
import fc from 'fast-check';
import { argumentFault, argumentShape } from '../../../sidecar/overrides/argument-shape.ts';
import { compileOverrides } from '../../../sidecar/overrides/compile-overrides.ts';
import { editTool } from '../../../sidecar/overrides/edit-tool.ts';
import type { OverrideText } from '../../../sidecar/overrides/overrides-schema.ts';

const edited = (tool: string, text: Omit<OverrideText, 'tool'>): string => {
  const override = compileOverrides([{ tool: 't', ...text }])!.byTool.get('t')!;
  return Buffer.from(editTool(Buffer.from(tool), 0, override), 'latin1').toString('utf8');
};

describe('a tool as callers see it', () => {
  test('keeps the bytes of all that is not overridden, and its order', () => {
    assert.equal(
      edited('{"_meta": {"a":1e2}, "name":"t","inputSchema":{"maximum":18446744073709551615},"ü":"é"}', {
        name: 'n',
        description: 'ä',
      }),
      '{"_meta":{"a":1e2},"name":"n","inputSchema":{"maximum":18446744073709551615},"ü":"é","description":"ä"}',
    );
  });

  test('has the hints that are said and its own others', () => {
    assert.equal(
      edited('{"name":"t","annotations":{"readOnlyHint":true,"x":1}}', {
        annotations: { readOnlyHint: false, idempotentHint: true },
      }),
      '{"name":"t","annotations":{"readOnlyHint":false,"x":1,"idempotentHint":true}}',
    );
    assert.equal(
      edited('{"name":"t"}', { annotations: { title: 'T' } }),
      '{"name":"t","annotations":{"title":"T"}}',
    );
  });

  const schema = (rest: string) => `{"name":"t","inputSchema":{"type":"object",${rest}}}`;
  const args = { arguments: { fixed: { a: 1 }, hidden: ['b'] } };
  for (const [what, given, shown] of [
    [
      'takes no others than it shows',
      '"properties":{"a":{},"c":{"maximum":1e400},"b":{}},"required":["b","c","a"]',
      '"properties":{"c":{"maximum":1e400}},"required":["c"],"additionalProperties":false',
    ],
    ['needs none', '"properties":{"a":{}},"required":["a"]', '"properties":{},"additionalProperties":false'],
    [
      'takes what it did by any name no more',
      '"properties":{"a":{}},"additionalProperties":true',
      '"properties":{},"additionalProperties":false',
    ],
    [
      'tells no definition of what is gone, and all that the others lead to',
      '"properties":{"a":{"$ref":"#/$defs/A"},"c":{"items":{"$ref":"#/$defs/C"}}},"$defs":{"A":{},"B":{},"C":{"$ref":"#/definitions/D/x"}},"definitions":{"D":{"x":{}},"E":{}}',
      '"properties":{"c":{"items":{"$ref":"#/$defs/C"}}},"$defs":{"C":{"$ref":"#/definitions/D/x"}},"definitions":{"D":{"x":{}}},"additionalProperties":false',
    ],
    [
      'tells no definition at all where none is left',
      '"properties":{"a":{"$ref":"#/$defs/A"}},"$defs":{"A":{"$ref":"#/$defs/A"}}',
      '"properties":{},"additionalProperties":false',
    ],
  ] as const)
    test(what, () => assert.equal(edited(schema(given), args), schema(shown)));
});

const KEYS = ['a', 'b', 'c', 'd'];
const inner = fc.constantFrom<object>(
  {},
  { type: 'string' },
  { type: 'integer', minimum: 1 },
  { $ref: '#/$defs/S' },
  { type: 'array', items: { $ref: '#/$defs/L' } },
  { anyOf: [{ type: 'null' }, { $ref: '#/definitions/S' }] },
);
const anySchema = fc.record({
  type: fc.constant('object'),
  properties: fc.oneof(
    { weight: 5, arbitrary: fc.record({ a: inner, b: inner, c: inner, d: inner }) },
    fc.dictionary(fc.constantFrom(...KEYS), inner, { minKeys: 1 }),
  ),
  required: fc.subarray(KEYS),
  additionalProperties: fc.constantFrom(undefined, true, false, {}),
  // Now and then one that nobody can be sure of.
  allOf: fc.oneof({ weight: 20, arbitrary: fc.constant(undefined) }, fc.constant([{ required: ['a'] }])),
  $defs: fc.constant({ S: { type: 'string' }, L: { items: { $ref: '#/$defs/L' }, type: 'array' } }),
  definitions: fc.constant({ S: { type: 'string' } }),
});
const anyValue = fc.constantFrom<unknown>('x', 'x', 1, 0, null, [], [[]], {});

describe('the schema that callers see', () => {
  test('takes what the server takes with what is fixed, and nothing of another name', () => {
    let judged = 0;
    const accepts = (schema: object, value: unknown): boolean =>
      new AjvJsonSchemaValidator().getValidator(schema as never)(value).valid;
    fc.assert(
      fc.property(
        anySchema,
        fc.dictionary(fc.constantFrom(...KEYS), anyValue, { minKeys: 1, maxKeys: 2 }),
        fc.array(fc.dictionary(fc.constantFrom(...KEYS), anyValue), { minLength: 1, maxLength: 6 }),
        (schema, fixed, calls) => {
          const server = JSON.parse(JSON.stringify(schema)) as { properties: object };
          const { args } = compileOverrides([{ tool: 't', arguments: { fixed } }])!.byTool.get('t')!;
          if (argumentFault(args!, argumentShape(server)) !== undefined) return;
          const tool = JSON.stringify({ name: 't', inputSchema: server });
          const { inputSchema: shown } = JSON.parse(edited(tool, { arguments: { fixed } }));
          for (const call of calls) {
            const known = Object.keys(call).every(
              (key) => Object.hasOwn(server.properties, key) && !Object.hasOwn(fixed, key),
            );
            const whole = accepts(shown, call);
            assert.ok(known || !whole, 'an argument that there is none of');
            // Whether what is fixed is right is its author's affair.
            if (!known || !accepts(onlyOf(server, Object.keys(fixed)), fixed)) continue;
            judged++;
            assert.equal(
              whole,
              accepts(server, { ...call, ...fixed }),
              JSON.stringify([server, fixed, call]),
            );
          }
        },
      ),
      { numRuns: 300 },
    );
    assert.ok(judged > 15, `${judged}`);
  });
});

/** What a schema says of some of its properties. */
const onlyOf = (schema: Record<string, unknown> & { properties: object }, keys: readonly string[]) => ({
  ...schema,
  properties: Object.fromEntries(Object.entries(schema.properties).filter(([key]) => keys.includes(key))),
  required: [],
});
