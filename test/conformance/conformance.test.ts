import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  compare,
  compareTasks,
  differencesOf,
  failures,
  passed,
  throughSidecar,
  TRANSLATED,
} from './compare.ts';
import { startProxy } from './proxy.ts';
import { throughStdio } from './stdio.ts';
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

test('the scenarios of the tasks extension say the same through kubectl mcp proxy, where tasks are bound to their callers', async () => {
  const { direct, differences } = await compareTasks(startProxy);
  // One says of itself that it is not written yet.
  assert.equal(passed(direct), direct.size - 1, failures(direct).join('\n'));
  assert.ok(direct.size > 40, `${direct.size} checks ran`);
  assert.deepEqual(differences, []);
});

test('a server of 2026-07-28 over stdio passes the suite of its revision, headers and all', async () => {
  const checks = await throughStdio('modern', '2026-07-28', ['--stdio-modern', 'shared']);
  assert.ok(checks.size > 140, `${checks.size} checks ran`);
  assert.deepEqual(failures(checks), []);
});

test('a check that is missing on one side is a difference', () => {
  const one = new Map([['ping: ping (Ping)', { status: 'SUCCESS' }]]);
  assert.deepEqual(differencesOf(one, new Map()), [
    { key: 'ping: ping (Ping)', direct: { status: 'SUCCESS' }, sidecar: { status: 'absent' } },
  ]);
  assert.deepEqual(differencesOf(one, one), []);
});
