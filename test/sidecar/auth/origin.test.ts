import assert from 'node:assert/strict';
import { test } from 'node:test';
import { originCheck } from '../../../sidecar/auth/origin.ts';
import type { Exchange } from '../../../sidecar/exchange.ts';

const verdict = (origin: string | undefined) =>
  originCheck.head?.({
    head: { headers: origin === undefined ? {} : { origin } },
    rule: '',
  } as unknown as Exchange);

test('programs and pages of this machine are let through', () => {
  for (const origin of [
    undefined,
    'http://localhost',
    'http://localhost:6274',
    'https://127.0.0.1:1',
    'http://[::1]:8080',
  ])
    assert.equal(verdict(origin), undefined, origin ?? 'no origin');
});

test('pages of any other site are refused', () => {
  for (const origin of [
    '',
    'null',
    'https://evil.example',
    'http://localhost.evil.example',
    'http://evil.example/localhost',
    'http://localhost:6274.evil.example',
    'http://localhost@evil.example',
    'http://127.0.0.1.evil.example',
    'http://10.0.0.1',
    'http://localhost, https://evil.example',
    'chrome-extension://abc',
  ])
    assert.deepEqual(verdict(origin), { reason: 'origin-forbidden' }, origin);
});
