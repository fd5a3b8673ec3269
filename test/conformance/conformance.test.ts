import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compare, differencesOf, failures, LOST_IN_TRANSLATION, passed, throughSidecar } from './compare.ts';
import { SPEC_VERSIONS } from './suite.ts';

describe('the conformance suite says the same of the reference server through the sidecar', () => {
  for (const specVersion of SPEC_VERSIONS) {
    test(`for ${specVersion}`, async () => {
      const { direct, differences } = await compare(specVersion);
      assert.equal(passed(direct), direct.size, 'the reference server passes every check');
      assert.ok(direct.size > 50, `${direct.size} checks ran`);
      assert.deepEqual(differences, []);
    });
  }
});

test('a server of the era of sessions passes the suite of 2026-07-28 through the sidecar, but for what is lost in translation', async () => {
  const checks = await throughSidecar('legacy', '2026-07-28');
  assert.ok(checks.size > 100, `${checks.size} checks ran`);
  const unexpected = failures(checks).filter((key) => !LOST_IN_TRANSLATION.some((lost) => lost.test(key)));
  assert.deepEqual(unexpected, []);
});

test('a server of 2026-07-28 alone passes the suite of 2025-11-25 through the sidecar', async () => {
  const checks = await throughSidecar('modern', '2025-11-25');
  assert.ok(checks.size > 70, `${checks.size} checks ran`);
  assert.deepEqual(failures(checks), []);
});

test('a check that is missing on one side is a difference', () => {
  const one = new Map([['ping: ping (Ping)', { status: 'SUCCESS' }]]);
  assert.deepEqual(differencesOf(one, new Map()), [
    { key: 'ping: ping (Ping)', direct: { status: 'SUCCESS' }, sidecar: { status: 'absent' } },
  ]);
  assert.deepEqual(differencesOf(one, one), []);
});
