/** What a client writes goes into the audit log; how much of it does not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditRecord } from '../../../sidecar/audit/record.ts';
import { readClientMessage } from '../../../sidecar/client-message.ts';
import type { Exchange } from '../../../sidecar/exchange.ts';
import { ANONYMOUS } from '../../../sidecar/principal.ts';

/** Container runtimes split lines here. */
const MAX_LINE_BYTES = 16 * 1024;
const POD = { name: 'p'.repeat(253), namespace: 'n'.repeat(63), uid: 'u'.repeat(36), node: 'o'.repeat(253) };

/** A line for a call in which every text that clients choose is `text`, as JSON escapes it. */
function lineFor(text: string): string {
  const written = JSON.stringify(text);
  const meta = `"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":${written},"version":${written}}`;
  const body = `{"jsonrpc":"2.0","id":${written},"method":"tools/call","params":{"name":${written},"_meta":{${meta}}}}`;
  const message = readClientMessage(Buffer.from(body));
  assert.ok(!('reason' in message), JSON.stringify(message));
  const exchange = {
    id: '0b1f6f0e-6a51-4f4e-8f39-7a2e5a1c9d10',
    server: { name: 's'.repeat(253), upstream: { transport: 'streamable-http' } },
    head: {
      method: 'POST',
      path: '/mcp',
      headers: { 'user-agent': 'é'.repeat(8_000) },
      remoteAddress: '10.0.0.1',
    },
    startedAtMs: 0,
    principal: ANONYMOUS,
    message,
    rule: 'default',
    status: 200,
    outcome: 'application_error',
    error: { code: -32602, message: `Unknown tool: ${text}` },
  } as unknown as Exchange;
  return auditRecord(exchange, POD, { date: new Date(0), durationMs: 1 });
}

for (const [kind, text] of [
  ['letters', 'x'.repeat(2_000)],
  ['control characters, six bytes each as JSON', '\u0001'.repeat(2_000)],
  ['characters of three bytes', '\u6f22'.repeat(2_000)],
  ['pairs of surrogates, cut in their middle', `x${'\u{1f600}'.repeat(1_000)}`],
] as const) {
  test(`a line is one line of at most 16 KiB, whatever a client writes: ${kind}`, () => {
    const line = lineFor(text);
    assert.ok(Buffer.byteLength(line) <= MAX_LINE_BYTES, `${Buffer.byteLength(line)} bytes`);
    assert.equal(line.indexOf('\n'), line.length - 1);
    assert.equal(JSON.parse(line).target.method, 'tools/call');
  });
}

test('what a client calls itself is not parsed when it is long', () => {
  const line = JSON.parse(lineFor('x'.repeat(20_000)));
  assert.equal(line.subjects.client_name, undefined);
});
