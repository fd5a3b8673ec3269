import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readClientMessage } from '../../../../sidecar/client-message.ts';
import { legacyAnswer } from '../../../../sidecar/upstream/modern/to-legacy-answer.ts';
import { modernBody } from '../../../../sidecar/upstream/modern/to-modern-request.ts';

const META =
  '"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"é":{}},"io.modelcontextprotocol/clientInfo":{"name":"ü"}';
const client = { capabilities: '{"é":{}}', clientInfo: '{"name":"ü"}' };

test('a request for a server of 2026-07-28 keeps the bytes of every value, and says who asks', () => {
  const message = readClientMessage(
    Buffer.from(
      '{"jsonrpc":"2.0","id":"ä","method":"tools/call","params":{"name":"ö","arguments":{"n":12345678901234567890,"s":"\\u00e9"},"_meta":{"progressToken":"日"}}}',
    ),
  );
  assert.ok(!('reason' in message));
  const retry = { inputResponses: new Map([['ключ', '{"action":"да"}']]), requestState: '"ß"' };
  assert.equal(
    modernBody(message, client, { id: '"ä"', retry }).toString(),
    `{"jsonrpc":"2.0","id":"ä","method":"tools/call","params":{"name":"ö","arguments":{"n":12345678901234567890,"s":"\\u00e9"},"inputResponses":{"ключ":{"action":"да"}},"requestState":"ß","_meta":{"progressToken":"日",${META}}}}`,
  );
});

test('its answer keeps them, too, and loses what is of that revision alone', () => {
  const given =
    '{"jsonrpc":"2.0","id":7,"result":{"content":[{"text":"日\\u00e9","n":1.0}],"resultType":"complete","ttlMs":1,"_meta":{"io.modelcontextprotocol/serverInfo":{},"ö":"ß"}}}';
  const answer = legacyAnswer(Buffer.from(given), { id: '"ä"', method: 'tools/call' });
  assert.ok(Buffer.isBuffer(answer));
  assert.equal(
    answer.toString(),
    '{"jsonrpc":"2.0","id":"ä","result":{"content":[{"text":"日\\u00e9","n":1.0}],"_meta":{"ö":"ß"}}}',
  );
});
