import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readHeaders } from '../../../sidecar/upstream/read-headers.ts';

const read = (files: Record<string, string>) =>
  readHeaders(new Map(Object.entries(files).map(([name, value]) => [name, Buffer.from(value)])));

describe('headers for the server', () => {
  test('are a file each, in the order of their names, less the line end of editors', () => {
    assert.deepEqual(read({ 'X-Tenant': 'a b\tc\r\n', Authorization: 'Bearer s3cret\n' }), {
      lines: 'Authorization: Bearer s3cret\r\nX-Tenant: a b\tc\r\n',
    });
  });

  const faults: [string, Record<string, string>, RegExp][] = [
    ['no file', {}, /^holds no file$/],
    ['a name that is none', { 'X Key': 'a' }, /"X Key" is not a header name/],
    ['a name with a line end', { 'X\r\nY': 'a' }, /is not a header name/],
    ['the same name twice', { 'X-Key': 'a', 'x-key': 'b' }, /is there twice/],
    ['an empty value', { 'X-Key': '\n' }, /"X-Key" is empty/],
    ['two lines', { 'X-Key': 'a\r\nHost: b' }, /more than one line/],
    ['two line ends', { 'X-Key': 'a\n\n' }, /more than one line/],
    ['a bare CR', { 'X-Key': 'a\rb' }, /more than one line/],
    ['NUL', { 'X-Key': 'a\0' }, /not visible ASCII/],
    ['letters beyond ASCII', { 'X-Key': 'é' }, /not visible ASCII/],
    ['a leading space', { 'X-Key': ' a' }, /not visible ASCII/],
    ['a value that is too long', { 'X-Key': 'a'.repeat(9_000) }, /longer than 8192 bytes/],
    ['too much in all', { 'X-A': 'a'.repeat(5_000), 'X-B': 'b'.repeat(5_000) }, /more than 8192 bytes/],
  ];
  for (const [title, files, words] of faults) {
    test(`are not taken with ${title}`, () => {
      const got = read(files);
      assert.ok('faults' in got, JSON.stringify(got));
      assert.match(got.faults.join('\n'), words);
    });
  }

  test('are neither the connection’s, nor the framing’s, nor the client’s', () => {
    const names =
      'Host Connection Keep-Alive Proxy-Connection TE Trailer Transfer-Encoding Upgrade Expect Content-Length ' +
      'Content-Type Content-Encoding Accept Accept-Encoding Mcp-Session-Id mcp-protocol-version MCP-METHOD Mcp-Name ' +
      'Mcp-Param-Region Last-Event-ID traceparent tracestate baggage';
    for (const name of names.split(' ')) assert.ok('faults' in read({ [name]: 'a', 'X-Good': 'b' }), name);
  });

  test('are not those that callers’ requests are to bring', () => {
    const files = new Map([['X-Tenant', Buffer.from('a')]]);
    assert.deepEqual(readHeaders(files, ['x-tenant']), {
      faults: ['"X-Tenant" is in forward-headers too: it is the callers’'],
    });
    assert.ok('lines' in readHeaders(files, ['x-request-id']));
  });

  test('show no value in a fault', () => {
    assert.doesNotMatch(JSON.stringify(read({ 'X-Key': 's3cret\ns3cret' })), /s3cret/);
  });
});
