import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Policy } from '../../../sidecar/filter/policy.ts';
import { compilePolicy } from '../../../sidecar/filter/policy.ts';
import { decide } from '../../../sidecar/filter/decide.ts';
import { readPolicy } from '../../../sidecar/filter/read-policy.ts';
import { compileRule } from '../../../sidecar/filter/rules.ts';
import { CALLERS, casesIn, TOOLS } from './cases/read-case.ts';
import { RULES_CASES } from './cases/rules.ts';
import { SCOPES_CASES } from './cases/scopes.ts';
import { THINGS_CASES } from './cases/things.ts';
import { TOOLS_CASES } from './cases/tools.ts';

const CASES = [...TOOLS_CASES, ...THINGS_CASES, ...RULES_CASES, ...SCOPES_CASES];

function compiled({ policy: text, filter }: (typeof CASES)[number]): Policy | undefined {
  const read = readPolicy(text, compileRule);
  if ('faults' in read) throw new Error(read.faults.join('\n'));
  return compilePolicy({ mode: 'all', ...filter }, read.policy, read.rules);
}

describe('a decision', () => {
  for (const each of CASES) {
    test(`is as the cases say of ${each.policy.replaceAll(/\s+/g, ' ').slice(0, 90)}`, () => {
      const policy = compiled(each);
      const read = casesIn(each.cases);
      assert.deepEqual(
        read.map(({ who, asked, line }) => {
          const { allowed, rule, argumentsOnly, needsScopes } = decide(
            CALLERS[who]!,
            asked,
            { tool: (name) => TOOLS.get(name) },
            policy,
          );
          const word = allowed ? 'allow' : argumentsOnly ? 'arguments' : needsScopes ? 'scope' : 'deny';
          return [line.split(' => ')[0], '=>', word, rule, ...(needsScopes ?? [])].join(' ');
        }),
        read.map(({ line, expected }) => `${line.split(' => ')[0]} => ${expected}`),
      );
    });
  }

  test('is shown by at least 200 cases', () => {
    const count = CASES.flatMap(({ cases }) => casesIn(cases)).length;
    assert.ok(count >= 200, String(count));
  });
});
