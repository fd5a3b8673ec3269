import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compare, differencesOf, failures, passed, throughSidecar, TRANSLATED } from './compare.ts';
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

describe('the suite of a revision, through the sidecar to a server that does not know it', () => {
  for (const { eras, specVersion, lost } of TRANSLATED)
    test(`${specVersion}, ${eras}: passes, but for what is lost in translation`, async () => {
      const checks = await throughSidecar(eras, specVersion);
      assert.ok(checks.size > 70, `${checks.size} checks ran`);
      const unexpected = failures(checks).filter((key) => !lost.some((each) => each.test(key)));
      assert.deepEqual(unexpected, []);
    });
});

test('a check that is missing on one side is a difference', () => {
  const one = new Map([['ping: ping (Ping)', { status: 'SUCCESS' }]]);
  assert.deepEqual(differencesOf(one, new Map()), [
    { key: 'ping: ping (Ping)', direct: { status: 'SUCCESS' }, sidecar: { status: 'absent' } },
  ]);
  assert.deepEqual(differencesOf(one, one), []);
});
