import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHECKS } from '../plugin/doctor/registry.ts';
import { REASONS } from '../sidecar/reasons.ts';

test('every code that a refusal of the sidecar names is one that doctor explains', () => {
  const codes = new Set(CHECKS.map(({ code }) => code));
  const named = Object.values(REASONS).flatMap((row) => ('doctorCode' in row ? [row.doctorCode] : []));
  assert.ok(named.length > 0);
  assert.deepEqual(
    named.filter((code) => !codes.has(code)),
    [],
  );
});
