import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NotConnectedError } from '../../../sidecar/upstream/connect-mcp.ts';
import { isOtherTransport, mayBeOtherTransport } from '../../../sidecar/upstream/transport-choice.ts';
import { UpstreamError } from '../../../sidecar/upstream/upstream-error.ts';

const refused = (status: number, error?: { code: number; message: string }) =>
  new NotConnectedError('no', { status, headers: new Map(), ...(error ? { error } : {}) });

for (const status of [200, 202, 400, 404, 405, 406])
  test(`${status} without JSON-RPC says that the server speaks another transport`, () => {
    assert.equal(isOtherTransport(refused(status)), true);
  });

for (const status of [301, 401, 403, 408, 429, 500, 501, 503])
  test(`${status} says nothing of the transport`, () => {
    assert.equal(isOtherTransport(refused(status)), false);
  });

test('403 and 5xx leave it to the event stream, and what would be met there as well does not', () => {
  for (const status of [403, 500, 501, 503]) assert.equal(mayBeOtherTransport(refused(status)), true);
  for (const status of [301, 401, 407, 408, 429]) assert.equal(mayBeOtherTransport(refused(status)), false);
});

test('who refuses in JSON-RPC speaks streamable HTTP', () => {
  for (const status of [200, 400, 403, 404, 405, 500])
    assert.equal(mayBeOtherTransport(refused(status, { code: -32601, message: 'no method' })), false);
});

test('silence, a lost connection and nobody there say nothing of the transport', () => {
  for (const fault of ['refused', 'timeout', 'broken', 'unready'] as const)
    assert.equal(mayBeOtherTransport(new UpstreamError('404', fault)), false);
});
