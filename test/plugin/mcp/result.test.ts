import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatResult } from '../../../plugin/mcp/result.ts';

test('text, text resources and links are lines; what is binary is a note', () => {
  const { out, notes } = formatResult({
    content: [
      { type: 'text', text: 'hello' },
      { type: 'image', mimeType: 'image/png', data: 'AAAA' },
      { type: 'resource', resource: { uri: 'a:1', text: 'inside' } },
      { type: 'resource', resource: { uri: 'a:2', blob: 'AAAA' } },
      { type: 'resource_link', uri: 'a:3', name: 'three' },
    ],
  });
  assert.deepEqual(out, ['hello', 'inside', 'a:3']);
  assert.deepEqual(notes, [
    'image (image/png, 3 bytes) not shown; -o json prints it',
    'resource a:2 (binary) not shown; -o json prints it',
  ]);
});

test('structured content is shown where there is no other', () => {
  assert.deepEqual(formatResult({ content: [], structuredContent: { a: 1 } }).out, ['{\n    "a": 1\n}']);
  assert.deepEqual(
    formatResult({ content: [{ type: 'text', text: 'x' }], structuredContent: { a: 1 } }).out,
    ['x'],
  );
});
