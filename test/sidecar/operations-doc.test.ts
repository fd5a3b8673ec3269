import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { REASONS } from '../../sidecar/reasons.ts';

test('docs/operations.md tells what to do about each error of the server’s, in the words that callers see', () => {
  const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('|'));
  for (const [reason, { status, message }] of Object.entries(REASONS)) {
    if (!reason.startsWith('upstream-')) continue;
    assert.ok(
      rows.some((row) => row.includes(`| ${status} ${message} `)),
      `${reason}: ${status} ${message}`,
    );
  }
});
