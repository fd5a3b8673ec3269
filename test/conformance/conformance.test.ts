import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compare, differencesOf, passed } from './compare.ts';
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

test('a check that is missing on one side is a difference', () => {
  const one = new Map([['ping: ping (Ping)', { status: 'SUCCESS' }]]);
  assert.deepEqual(differencesOf(one, new Map()), [
    { key: 'ping: ping (Ping)', direct: { status: 'SUCCESS' }, sidecar: { status: 'absent' } },
  ]);
  assert.deepEqual(differencesOf(one, one), []);
});
