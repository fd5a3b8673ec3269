import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readPolicy } from '../../../sidecar/filter/read-policy.ts';

const faultsOf = (overrides: string): string[] => {
  const read = readPolicy(`version: 1\ntools:\n  overrides: ${overrides}`);
  return 'faults' in read ? read.faults : [];
};

describe('overrides in a policy file', () => {
  for (const overrides of [
    '[]',
    '[{tool: a, name: b}]',
    // Each other's names are nobody's twice.
    '[{tool: a, name: b}, {tool: b, name: a}]',
    '[{tool: a, name: b}, {tool: b, name: c}]',
    '[{tool: a, title: T, description: "", annotations: {readOnlyHint: false}}]',
    '[{tool: a, arguments: {fixed: {n: null, o: {a: [1, 2.5, x]}}, hidden: [h]}}]',
  ])
    test(`may be ${overrides}`, () => assert.deepEqual(faultsOf(overrides), []));

  for (const [overrides, fault] of [
    ['[{tool: a}]', /overrides.0: .*says nothing but the name of a tool/],
    ['[{tool: "a*", name: b}]', /overrides.0.tool: "a\*": is a name .* and no pattern/],
    ['[{tool: a, name: "b c"}]', /overrides.0.name/],
    ['[{tool: a, name: b}, {tool: a, title: x}]', /overrides.1.tool: "a": has two overrides/],
    ['[{tool: a, name: c}, {tool: b, name: c}]', /overrides.1.name: "c": is the name of another override/],
    ['[{tool: a, name: b}, {tool: b, title: x}]', /overrides.1.tool: "b": is the name of another override/],
    ['[{tool: a, description: x, rename: b}]', /rename: "b": unknown key/],
    ['[{tool: a, annotations: {readOnly: true}}]', /readOnly: true: unknown key/],
    ['[{tool: a, arguments: {fixed: {n: 1}, hidden: [n]}}]', /hidden.0: "n": is in fixed or hidden already/],
    ['[{tool: a, arguments: {hidden: [n, n]}}]', /hidden.1/],
    ['[{tool: a, arguments: {fixed: {n: .inf}}}]', /fixed.n: null: is no JSON/],
    ['[{tool: a, arguments: {fixed: {n: 9007199254740993}}}]', /beyond 2\^53/],
    ['[{tool: a, arguments: {fixed: {"__proto__": 1}}}]', /holds the key "__proto__"/],
    ['[{tool: a, arguments: {fixed: {n: {"__proto__": 1}}}}]', /fixed.n: .*is no JSON/],
  ] as const)
    test(`may not be ${overrides}`, () => assert.match(faultsOf(overrides).join('\n'), fault));
});
