import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { globMatcher } from '../../sidecar/glob.ts';

/** Glob, what it matches, what it does not. */
const TABLE: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['echo', ['echo'], ['', 'Echo', 'echo2', 'xecho', 'ech']],
  ['get-*', ['get-', 'get-env', 'get-a-b'], ['get', 'aget-env', 'Get-env']],
  ['*-env', ['-env', 'get-env'], ['get-envs', 'env']],
  ['*', ['', 'a', 'a/b.c'], []],
  ['**', ['', 'a'], []],
  ['a*b*c', ['abc', 'aXbYc', 'abbcc', 'abcbc'], ['ab', 'acb', 'abcd']],
  ['get-??', ['get-ab'], ['get-a', 'get-abc', 'get-']],
  ['?*', ['a', 'ab'], ['']],
  ['a.c', ['a.c'], ['abc']],
  ['*/default', ['ns/default', '/default'], ['ns/other', 'default']],
];

test('a glob matches the whole text, letter by letter', () => {
  for (const [glob, yes, no] of TABLE) {
    for (const text of yes) assert.ok(globMatcher(glob)(text), `${glob} and "${text}"`);
    for (const text of no) assert.ok(!globMatcher(glob)(text), `${glob} and not "${text}"`);
  }
});

test('a glob says what the regular expression says', () => {
  const glob = fc
    .array(fc.constantFrom('a', 'b', '.', '*', '?'), { maxLength: 8 })
    .map((each) => each.join(''));
  const text = fc.array(fc.constantFrom('a', 'b', '.'), { maxLength: 10 }).map((each) => each.join(''));
  fc.assert(
    fc.property(glob, text, (pattern, subject) => {
      const source = pattern.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.');
      assert.equal(globMatcher(pattern)(subject), new RegExp(`^${source}$`).test(subject));
    }),
    { numRuns: 5_000 },
  );
});

test('a glob of many stars does not take exponential time', () => {
  // Would outlast any test run if each star were tried against each other.
  assert.ok(!globMatcher(`${'*a'.repeat(60)}b`)('a'.repeat(10_000)));
});
