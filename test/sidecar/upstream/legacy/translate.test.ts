import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readClientMessage, type ClientMessage } from '../../../../sidecar/client-message.ts';
import { readModernRequest } from '../../../../sidecar/upstream/legacy/modern-request.ts';
import { legacyRequest } from '../../../../sidecar/upstream/legacy/to-legacy.ts';
import { modernAnswer, withParam } from '../../../../sidecar/upstream/legacy/to-modern.ts';
import { modernRequest } from '../../wire/modern-meta.ts';

function read(body: string | object): ClientMessage {
  const message = readClientMessage(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));
  assert.ok(!('reason' in message), JSON.stringify(message));
  return message;
}
function digest(params: Record<string, unknown>): string {
  const found = readModernRequest(read(modernRequest('tools/call', params)));
  assert.ok(!('problem' in found));
  return found.digest;
}

const VERSION = '"io.modelcontextprotocol/protocolVersion":"2026-07-28"';
const CAPABILITIES = '"io.modelcontextprotocol/clientCapabilities":{}';

describe('a request for a server of sessions', () => {
  test('keeps the bytes of every value, and loses what is per hop', () => {
    const message = read(
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"é","arguments":{"n":12345678901234567890,"f":1.0,"s":"\\u00e9"},"_meta":{${VERSION},${CAPABILITIES},"io.modelcontextprotocol/logLevel":"info","traceparent":"00-1-2-01","progressToken":"p"}}}`,
    );
    assert.equal(
      legacyRequest(message, 7).toString(),
      '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"é","arguments":{"n":12345678901234567890,"f":1.0,"s":"\\u00e9"},"_meta":{"traceparent":"00-1-2-01","progressToken":7}}}',
    );
  });

  test('has neither the answers of a client nor the state they are for', () => {
    const params = { name: 'x', inputResponses: { 1: {} }, requestState: 's' };
    assert.equal(
      legacyRequest(read(modernRequest('tools/call', params)), 2).toString(),
      '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"x"}}',
    );
  });

  const refused: [string, object, number, number][] = [
    ['of a revision to come', { 'io.modelcontextprotocol/protocolVersion': '2027-01-01' }, 400, -32022],
    ['without capabilities', { 'io.modelcontextprotocol/clientCapabilities': undefined }, 400, -32602],
    ['whose capabilities are a list', { 'io.modelcontextprotocol/clientCapabilities': [] }, 400, -32602],
    ['with a log level that is none', { 'io.modelcontextprotocol/logLevel': 'loud' }, 400, -32602],
  ];
  for (const [what, meta, status, code] of refused)
    test(`${what} is refused`, () => {
      const found = readModernRequest(read(modernRequest('tools/list', {}, { meta })));
      assert.ok('problem' in found);
      assert.deepEqual([found.problem.status, found.problem.code], [status, code]);
    });

  for (const method of ['ping', 'initialize', 'logging/setLevel', 'tasks/list'])
    test(`is not made of ${method}, which 2026-07-28 does not have`, () => {
      const found = readModernRequest(read(modernRequest(method, {})));
      assert.ok('problem' in found);
      assert.deepEqual([found.problem.status, found.problem.code], [404, -32601]);
    });

  test('is the same one again when only the answers are new', () => {
    const first = digest({ name: 'x', arguments: { a: 1 } });
    assert.equal(digest({ name: 'x', arguments: { a: 1 }, requestState: 's', inputResponses: {} }), first);
    assert.equal(digest({ arguments: { a: 1 }, name: 'x' }), first);
    assert.notEqual(digest({ name: 'x', arguments: { a: 2 } }), first);
    assert.notEqual(digest({ name: 'xa', arguments: { a: 1 } }), first);
  });
});

const about = { id: '"ü"', method: 'tools/call', serverInfo: { name: 's', version: '1' } };
function errorOf(code: number): [number, unknown] {
  const given = { id: 3, error: { code, message: 'é', data: { uri: 'x' } } };
  const { status, body } = modernAnswer(Buffer.from(JSON.stringify(given)), about);
  return [status, JSON.parse(body.toString()).error];
}

describe('an answer of a server of sessions', () => {
  const INFO = '"io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"}';

  test('says that it is complete, and who gave it; the rest keeps its bytes', () => {
    const { status, body } = modernAnswer(
      Buffer.from(
        '{"id":3,"result":{"content":[{"n":1.0}],"_meta":{"own":12345678901234567890}},"jsonrpc":"2.0"}',
      ),
      about,
    );
    assert.equal(status, 200);
    assert.equal(
      body.toString(),
      `{"jsonrpc":"2.0","id":"ü","result":{"content":[{"n":1.0}],"resultType":"complete","_meta":{${INFO},"own":12345678901234567890}}}`,
    );
  });

  test('with a list is for this caller and not to be kept, whatever it says', () => {
    const { body } = modernAnswer(
      Buffer.from('{"id":3,"result":{"tools":[],"ttlMs":9,"cacheScope":"public","resultType":"task"}}'),
      { ...about, method: 'tools/list' },
    );
    const { result } = JSON.parse(body.toString());
    assert.deepEqual([result.ttlMs, result.cacheScope, result.resultType], [0, 'private', 'complete']);
  });

  test('with an error has the codes of 2026-07-28, and the status', () => {
    assert.deepEqual(errorOf(-32002), [200, { code: -32602, message: 'é', data: { uri: 'x' } }]);
    assert.deepEqual(errorOf(-32601)[0], 404);
    assert.deepEqual(errorOf(-32000), [200, { code: -32000, message: 'é', data: { uri: 'x' } }]);
  });

  test('about a resource that is not there names it, where the server has not', () => {
    const request = { ...about, method: 'resources/read', target: 'test://ü' };
    const read = (data?: object): unknown => {
      const given = { id: 3, error: { code: -32002, message: 'no', data } };
      return JSON.parse(modernAnswer(Buffer.from(JSON.stringify(given)), request).body.toString()).error;
    };
    assert.deepEqual(read(), { code: -32602, message: 'no', data: { uri: 'test://ü' } });
    assert.deepEqual(read({ own: 1 }), { code: -32602, message: 'no', data: { own: 1 } });
  });

  for (const body of ['{"id":3}', '{"id":3,"result":7}', '[]', ''])
    test(`that is ${body || 'nothing'} is none`, () => {
      assert.throws(() => modernAnswer(Buffer.from(body), about), TypeError);
    });
});

test('a notification gets the caller’s progress token or the id of its subscription, and keeps the rest', () => {
  const given = Buffer.from(
    '{"method":"n","params":{"progressToken":1,"progress":1.0,"_meta":{"a":1}},"jsonrpc":"2.0"}',
  );
  assert.equal(
    withParam(given, { progressToken: '"ü"' }).toString(),
    '{"method":"n","jsonrpc":"2.0","params":{"progressToken":"ü","progress":1.0,"_meta":{"a":1}}}',
  );
  assert.equal(
    withParam(Buffer.from('{"jsonrpc":"2.0","method":"n"}'), { subscriptionId: '5' }).toString(),
    '{"jsonrpc":"2.0","method":"n","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":5}}}',
  );
});
