import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readClientMessage, type ClientMessage } from '../../../sidecar/client-message.ts';
import { mirroredHeadersProblem } from '../../../sidecar/downstream/mirrored-headers.ts';
import type { Reason } from '../../../sidecar/reasons.ts';

const VERSION = 'MCP-Protocol-Version: 2026-07-28';
const META = { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } };

function message(method: string, params: object, id?: number): ClientMessage {
  const read = readClientMessage(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method, params })));
  assert.ok(!('reason' in read), JSON.stringify(read));
  return read;
}
const request = (method: string, params: object = {}) => message(method, { ...params, ...META }, 1);
const call = request('tools/call', { name: 'safe' });
const headers = (lines: readonly string[]): string[] =>
  ['Host: x', 'Accept: y', ...lines].flatMap((line) => line.split(/: ?(.*)/, 2));

type Row = readonly [message: ClientMessage, lines: readonly string[]];

const AGREE: Readonly<Record<string, Row>> = {
  'a call': [call, [VERSION, 'Mcp-Method: tools/call', 'Mcp-Name: safe']],
  'names of headers in any case': [
    call,
    [VERSION.replace('MCP', 'mcp'), 'MCP-METHOD: tools/call', 'mcp-name: safe'],
  ],
  'a plain name in Base64': [call, [VERSION, 'Mcp-Method: tools/call', 'Mcp-Name: =?base64?c2FmZQ==?=']],
  'a name that ASCII cannot say': [
    request('tools/call', { name: 'сейф' }),
    [VERSION, 'Mcp-Method: tools/call', 'Mcp-Name: =?base64?0YHQtdC50YQ=?='],
  ],
  'a name that starts as if it were encoded': [
    request('tools/call', { name: '=?base64?x' }),
    [VERSION, 'Mcp-Method: tools/call', 'Mcp-Name: =?base64?x'],
  ],
  'a prompt': [
    request('prompts/get', { name: 'a b' }),
    [VERSION, 'Mcp-Method: prompts/get', 'Mcp-Name: a b'],
  ],
  'a resource': [
    request('resources/read', { uri: 'file:///x' }),
    [VERSION, 'Mcp-Method: resources/read', 'Mcp-Name: file:///x'],
  ],
  'a list, which has no name': [request('tools/list'), [VERSION, 'Mcp-Method: tools/list']],
  'a name where none is defined': [request('tools/list'), [VERSION, 'Mcp-Method: tools/list', 'Mcp-Name: x']],
  'a task without its name': [request('tasks/get', { taskId: 't' }), [VERSION, 'Mcp-Method: tasks/get']],
  'a task with its name': [
    request('tasks/get', { taskId: 't' }),
    [VERSION, 'Mcp-Method: tasks/get', 'Mcp-Name: t'],
  ],
  'headers of parameters': [
    call,
    [VERSION, 'Mcp-Method: tools/call', 'Mcp-Name: safe', 'Mcp-Param-A: x', 'Mcp-Param-A: y'],
  ],
  'a notification without headers': [message('notifications/x', META), []],
  'the era of sessions, whatever the headers say': [
    message('tools/call', { name: 'safe' }, 1),
    [VERSION, VERSION, 'Mcp-Method: tools/list', 'Mcp-Name: evil'],
  ],
};

const DISAGREE: Readonly<Record<string, readonly [...Row, detail: RegExp]>> = {
  'no version': [call, ['Mcp-Method: tools/call', 'Mcp-Name: safe'], /mcp-protocol-version is missing/],
  'no method': [call, [VERSION, 'Mcp-Name: safe'], /mcp-method is missing/],
  'no name': [call, [VERSION, 'Mcp-Method: tools/call'], /mcp-name is missing/],
  'another version': [
    call,
    ['MCP-Protocol-Version: 2025-11-25', 'Mcp-Method: tools/call', 'Mcp-Name: safe'],
    /mcp-protocol-version is not what the body says/,
  ],
  'another method': [call, [VERSION, 'Mcp-Method: tools/list', 'Mcp-Name: safe'], /mcp-method is not/],
  'a method in another case': [
    call,
    [VERSION, 'Mcp-Method: Tools/Call', 'Mcp-Name: safe'],
    /mcp-method is not/,
  ],
  'another name': [call, [VERSION, 'Mcp-Method: tools/call', 'Mcp-Name: evil'], /mcp-name is not/],
  'an empty name': [call, [VERSION, 'Mcp-Method: tools/call', 'Mcp-Name: '], /mcp-name is not/],
  'another name in Base64': [
    call,
    [VERSION, 'Mcp-Method: tools/call', 'Mcp-Name: =?base64?ZXZpbA==?='],
    /mcp-name is not/,
  ],
  'Base64 that is none': [
    call,
    [VERSION, 'Mcp-Method: tools/call', 'Mcp-Name: =?base64?c2FmZQ?='],
    /malformed/,
  ],
  'Base64 of what is not UTF-8': [
    call,
    [VERSION, 'Mcp-Method: tools/call', 'Mcp-Name: =?base64?/w==?='],
    /malformed/,
  ],
  'bytes beyond ASCII': [
    request('tools/call', { name: 's\u00e4fe' }),
    [VERSION, 'Mcp-Method: tools/call', 'Mcp-Name: s\u00e4fe'],
    /malformed/,
  ],
  'a name twice': [
    call,
    [VERSION, 'Mcp-Method: tools/call', 'Mcp-Name: safe', 'mcp-name: safe'],
    /mcp-name is there twice/,
  ],
  'another uri': [
    request('resources/read', { uri: 'file:///x' }),
    [VERSION, 'Mcp-Method: resources/read', 'Mcp-Name: file:///y'],
    /mcp-name is not/,
  ],
  'another task': [
    request('tasks/cancel', { taskId: 't' }),
    [VERSION, 'Mcp-Method: tasks/cancel', 'Mcp-Name: u'],
    /mcp-name is not/,
  ],
  'a notification with another method': [
    message('notifications/x', META),
    [VERSION, 'Mcp-Method: notifications/y'],
    /mcp-method is not/,
  ],
};

const problem = ([each, lines]: Row) => mirroredHeadersProblem(each, headers(lines));
const HEADER_MISMATCH: Reason = 'header-mismatch';

describe('headers of 2026-07-28 that repeat the body', () => {
  for (const [name, row] of Object.entries(AGREE))
    test(`agree with it: ${name}`, () => assert.equal(problem(row), undefined));

  for (const [name, [each, lines, detail]] of Object.entries(DISAGREE)) {
    test(`do not: ${name}`, () => {
      const found = problem([each, lines]);
      assert.equal(found?.reason, HEADER_MISMATCH);
      assert.match(found?.detail ?? '', detail);
      assert.doesNotMatch(found?.detail ?? '', /safe|evil|tools/);
    });
  }

  test('cannot agree with a version that is no text', () => {
    const version = { _meta: { 'io.modelcontextprotocol/protocolVersion': 20260728 } };
    const found = problem([message('tools/list', version, 1), [VERSION, 'Mcp-Method: tools/list']]);
    assert.equal(found?.reason, 'params-invalid');
  });
});
