import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { REASONS, refusalBody, refuse, type Reason } from '../../sidecar/reasons.ts';
import { assertGolden } from '../webhook/golden.ts';
import { errorsDoc } from './errors-doc.ts';

const rows = Object.entries(REASONS);

describe('the table of reasons', () => {
  test('is docs/errors.md', () => {
    assertGolden(new URL('../../docs/errors.md', import.meta.url), errorsDoc());
  });

  test('mints no code that is the specification’s own', () => {
    const ours = [-32700, -32600, -32601, -32602, -32603, -32001, -32002, -32020];
    for (const [reason, { code }] of rows) {
      assert.ok(code > -32023 || code < -32099, reason);
      assert.ok(ours.includes(code), `${reason}: ${code}`);
    }
  });

  test('has an outcome that fits its status', () => {
    for (const [reason, { status, outcome }] of rows) {
      if (status >= 500) assert.equal(outcome, 'error', reason);
      if (status === 401 || status === 403) assert.equal(outcome, 'denied', reason);
      assert.notEqual(outcome as string, 'success', reason);
    }
  });

  test('names codes of the doctor in its form', () => {
    for (const [reason, row] of rows)
      if ('doctorCode' in row) assert.match(row.doctorCode, /^MCP\d{3}$/, reason);
  });
});

describe('the body of a refusal', () => {
  test('is a JSON-RPC error with the bytes of the id', () => {
    for (const id of ['1', '"a"', '123456789012345678901234567890', '"\\u00e9"', undefined]) {
      const body = refusalBody(refuse('tool-unknown', 'a"b\n'), id);
      assert.ok(body.startsWith(`{"jsonrpc":"2.0","id":${id ?? 'null'},"error":`), body);
      assert.deepEqual(JSON.parse(body).error, { code: -32602, message: 'Unknown tool: a"b\n' });
    }
  });

  test('is JSON for every reason', () => {
    for (const reason of Object.keys(REASONS) as Reason[]) {
      const { error } = JSON.parse(refusalBody(refuse(reason)));
      assert.deepEqual(error, { code: REASONS[reason].code, message: REASONS[reason].message });
    }
  });
});
