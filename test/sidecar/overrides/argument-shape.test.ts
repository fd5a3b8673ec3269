import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { argumentFault, argumentShape } from '../../../sidecar/overrides/argument-shape.ts';
import { compileOverrides } from '../../../sidecar/overrides/compile-overrides.ts';

const ARGS = compileOverrides([{ tool: 't', arguments: { fixed: { ns: 'a' } } }])!.byTool.get('t')!.args!;
const faultOf = (rest: object): string | undefined =>
  argumentFault(ARGS, argumentShape({ type: 'object', properties: { ns: {}, other: {} }, ...rest }));

describe('whether arguments can be taken out of a schema', () => {
  for (const rest of [
    {},
    {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 't',
      description: 'd',
      required: ['ns'],
    },
    { additionalProperties: false },
    { additionalProperties: true },
    { additionalProperties: {} },
    { properties: { ns: { anyOf: [{ type: 'string' }, { type: 'null' }] }, other: { $ref: '#/$defs/o' } } },
    { properties: { ns: {}, o: { $ref: '#/definitions/o/properties/x' } } },
  ])
    test(`is sure of ${JSON.stringify(rest)}`, () => assert.equal(faultOf(rest), undefined));

  for (const [rest, fault] of [
    ...[
      'allOf',
      'anyOf',
      'oneOf',
      'not',
      'if',
      '$ref',
      'dependentRequired',
      'dependentSchemas',
      'dependencies',
      'patternProperties',
      'propertyNames',
      'unevaluatedProperties',
      'minProperties',
      'enum',
      'examples',
      '$id',
      'x-vendor',
    ].map((key) => [{ [key]: {} }, `its inputSchema has "${key}"`] as const),
    [{ additionalProperties: { type: 'string' } }, 'its inputSchema takes arguments of any name'],
    [{ type: ['object', 'null'] }, 'the type in its inputSchema is not "object"'],
    [{ properties: { ns: {}, o: { items: [{ $ref: '#' }] } } }, 'its inputSchema refers to "#"'],
    [
      { properties: { ns: {}, o: { $ref: '#/properties/ns' } } },
      'its inputSchema refers to "#/properties/ns"',
    ],
    [{ properties: { ns: {}, o: { $ref: '#/$defs/a~1b' } } }, 'its inputSchema refers to "#/$defs/a~1b"'],
    [{ $defs: { a: { $anchor: 'a' } } }, 'its inputSchema has "$anchor"'],
    [{ properties: { other: {} } }, 'it has no argument "ns"'],
    [{ properties: { ns: {}, NS: {} } }, 'its arguments "ns" and "NS" may be read as one'],
  ] as const)
    test(`is not sure of ${JSON.stringify(rest)}`, () => assert.equal(faultOf(rest), fault));

  test('knows which arguments the server will miss', () => {
    const { needed } = argumentShape({
      type: 'object',
      properties: { a: {}, b: { default: 1 }, c: {} },
      required: ['a', 'b'],
    });
    assert.deepEqual(needed, ['a']);
  });

  test('is of no tool whose schema is none', () => {
    for (const schema of [undefined, null, [], 'x', true]) assert.ok(argumentShape(schema).fault);
  });
});
