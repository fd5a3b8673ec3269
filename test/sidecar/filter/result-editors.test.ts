import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Exchange } from '../../../sidecar/exchange.ts';
import { compilePolicy, type Policy } from '../../../sidecar/filter/policy.ts';
import { readPolicy } from '../../../sidecar/filter/read-policy.ts';
import { compileRule } from '../../../sidecar/filter/rules.ts';
import { createResultEditors } from '../../../sidecar/filter/result-editors.ts';
import { principal } from '../../../sidecar/principal.ts';

const CALLERS = Array.from({ length: 40 }, (_, index) =>
  principal({ kind: 'token', issuer: 'secret/t', name: `token:c${index}`, groups: [], actors: [] }),
);
const LIST = Buffer.from(
  JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    result: { tools: CALLERS.map((_, index) => ({ name: `c${index}`, inputSchema: { type: 'object' } })) },
  }),
);

test('each of many callers in turn sees what rules let it see, from one address and another, and after a reload', () => {
  let policy = policyOf('request.address == "::1" || principal.name == "token:" + tool.name');
  const editors = createResultEditors(() => policy);
  const listOf = (index: number, remoteAddress = '127.0.0.1'): string[] => {
    const exchange = {
      principal: CALLERS[index],
      head: { method: 'POST', remoteAddress, headers: {} },
      message: { kind: 'request', method: 'tools/list' },
    } as unknown as Exchange;
    const { result } = JSON.parse(editors(exchange)!(LIST).toString('utf8')) as {
      result: { tools: { name: string }[] };
    };
    return result.tools.map(({ name }) => name);
  };
  for (let turn = 0; turn < 3; turn++)
    for (const index of CALLERS.keys()) {
      assert.deepEqual(listOf(index), [`c${index}`]);
      assert.deepEqual(listOf(0), ['c0']);
    }
  assert.equal(listOf(0, '::1').length, CALLERS.length);
  assert.deepEqual(listOf(0), ['c0']);
  policy = policyOf('tool.name == "c7"');
  assert.deepEqual(listOf(0), ['c7']);
});

test('a stream whose caller has other groups by now shows what these allow', () => {
  const policy = policyOf('"oidc:staff" in principal.groups');
  const caller = (groups: string[]) =>
    principal({ kind: 'oidc', issuer: 'https://id', name: 'oidc:alice', groups, actors: [] });
  const exchange = {
    principal: caller(['oidc:staff']),
    head: { method: 'GET', remoteAddress: '127.0.0.1', headers: {} },
  } as unknown as Exchange;
  const edit = createResultEditors(() => policy)(exchange)!;
  const count = (): number => JSON.parse(edit(LIST).toString('utf8')).result.tools.length;
  assert.equal(count(), CALLERS.length);
  // As it is when the credential of an open stream is looked at again.
  exchange.principal = caller([]);
  assert.equal(count(), 0);
});

function policyOf(allow: string): Policy {
  const text = JSON.stringify({ version: 1, rules: [{ name: 'own', tools: ['*'], allow }] });
  const read = readPolicy(text, compileRule);
  assert.ok(!('faults' in read), 'faults' in read ? read.faults.join() : '');
  return compilePolicy({ mode: 'all' }, read.policy, read.rules)!;
}
