import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readClientMessage } from '../../../sidecar/client-message.ts';
import type { Exchange } from '../../../sidecar/exchange.ts';
import { mirroredParams, mirroredParamsProblem } from '../../../sidecar/upstream/mirrored-params.ts';

const SCHEMA = {
  type: 'object',
  properties: {
    region: { type: 'string', 'x-mcp-header': 'Region' },
    count: { type: 'integer', 'x-mcp-header': 'Count' },
    where: { type: 'object', properties: { zone: { type: 'string', 'x-mcp-header': 'Zone' } } },
    plain: { type: 'string' },
    list: { type: 'array', items: { type: 'string', 'x-mcp-header': 'Never' } },
  },
};

describe('parameters that clients repeat in headers', () => {
  test('are those that properties alone lead to', () => {
    assert.deepEqual(mirroredParams(SCHEMA), [
      { header: 'mcp-param-region', path: ['region'] },
      { header: 'mcp-param-count', path: ['count'] },
      { header: 'mcp-param-zone', path: ['where', 'zone'] },
    ]);
  });

  const against: [string, object][] = [
    ['a name that is no token', { a: { type: 'string', 'x-mcp-header': 'a b' } }],
    ['a type that is none of the three', { a: { type: 'object', 'x-mcp-header': 'A' } }],
    ['a name that is no text', { a: { type: 'string', 'x-mcp-header': 1 } }],
    [
      'two names that are one',
      { a: { type: 'string', 'x-mcp-header': 'A' }, b: { type: 'string', 'x-mcp-header': 'a' } },
    ],
  ];
  for (const [what, properties] of against)
    test(`are none of a schema with ${what}`, () => {
      assert.deepEqual(mirroredParams({ type: 'object', properties }), []);
    });

  const cases: [string, object | undefined, Record<string, string>, RegExp | undefined][] = [
    ['agree', { region: 'eu', count: 42 }, { region: 'eu', count: '42.0' }, undefined],
    ['agree in base64', { region: 'ü' }, { region: '=?base64?w7w=?=' }, undefined],
    ['are absent from both', { region: null }, {}, undefined],
    ['are absent with the arguments', undefined, {}, undefined],
    ['are missing in the headers', { where: { zone: 'b' } }, {}, /mcp-param-zone is missing/],
    ['say another thing', { region: 'eu' }, { region: 'us' }, /mcp-param-region is not what the body says/],
    ['are in the headers alone', {}, { region: 'eu' }, /without its argument/],
    ['are no base64', { region: 'ü' }, { region: '=?base64?w7w?=' }, /malformed/],
    ['are an empty number', { count: 0 }, { count: ' ' }, /not what the body says/],
  ];
  for (const [what, args, headers, problem] of cases)
    test(`that ${what}: ${problem ? 'refused' : 'let through'}`, () => {
      const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'x', arguments: args } };
      const exchange = {
        message: readClientMessage(Buffer.from(JSON.stringify(call))),
        head: {
          headers: Object.fromEntries(
            Object.entries(headers).map(([key, value]) => [`mcp-param-${key}`, value]),
          ),
        },
      } as unknown as Exchange;
      const found = mirroredParamsProblem(exchange, mirroredParams(SCHEMA));
      if (!problem) return assert.equal(found, undefined);
      assert.equal(found?.reason, 'header-mismatch');
      assert.match(found.detail ?? '', problem);
    });
});
