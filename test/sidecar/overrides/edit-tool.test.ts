import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
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
