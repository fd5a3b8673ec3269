import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InitializeRefusedError } from '../../../sidecar/upstream/connect-mcp.ts';
import { isOtherTransport } from '../../../sidecar/upstream/transport-choice.ts';
import { UpstreamError } from '../../../sidecar/upstream/upstream-error.ts';

const refused = (status: number, error?: { code: number; message: string }) =>
  new InitializeRefusedError({ status, headers: new Map(), ...(error ? { error } : {}) });

for (const status of [400, 404, 405])
  test(`${status} without JSON-RPC says that the server speaks another transport`, () => {
    assert.equal(isOtherTransport(refused(status)), true);
  });

for (const status of [200, 301, 401, 403, 406, 408, 429, 500, 501, 503])
  test(`${status} says nothing of the transport`, () => {
    assert.equal(isOtherTransport(refused(status)), false);
  });

test('who refuses in JSON-RPC speaks streamable HTTP', () => {
  for (const status of [200, 400, 404, 405])
    assert.equal(isOtherTransport(refused(status, { code: -32601, message: 'no method' })), false);
});

test('silence, a lost connection and nobody there say nothing of the transport', () => {
  for (const fault of ['refused', 'timeout', 'broken', 'unready'] as const)
    assert.equal(isOtherTransport(new UpstreamError('404', fault)), false);
});
