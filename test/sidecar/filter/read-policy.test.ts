import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { both, compileFilter, type ToolFacts } from '../../../sidecar/filter/decide-tool.ts';
import { readPolicy } from '../../../sidecar/filter/read-policy.ts';

const tool = (name: string): ToolFacts => ({ name, readOnly: false, destructive: true });
const shown = (text: string) => {
  const read = readPolicy(text);
  return 'policy' in read ? read.policy.tools : read.faults;
};

describe('a policy file', () => {
  for (const [what, text, expected] of [
    ['may say nothing', 'version: 1', { mode: 'all' }],
    [
      'may be YAML',
      'version: 1\ntools:\n  allow: [get-*, "*"]\n  deny:\n    - get-env\n  mode: read-only\n',
      { allow: ['get-*', '*'], deny: ['get-env'], mode: 'read-only' },
    ],
    ['may be JSON', '{"version":1,"tools":{"deny":["a"]}}', { deny: ['a'], mode: 'all' }],
    ['may begin with a byte order mark', '\uFEFFversion: 1', { mode: 'all' }],
  ] as const) {
    test(what, () => assert.deepEqual(shown(text), expected));
  }

  const QUOTES =
    'not YAML as it is read here: put patterns that begin with "*" into quotes, for without them they are references';
  for (const [what, text, faults] of [
    ['of another version', 'version: 2', ['version: 2: Invalid input: expected 1 (line 1)']],
    ['without a version', 'tools: {}', ['version: (absent): Invalid input: expected 1 (line 1)']],
    ['that is empty', '', ['(document): null: Invalid input: expected object, received null (line 1)']],
    ['with an unknown key', 'version: 1\ntool: {}', ['tool: {}: unknown key (line 2)']],
    ['with __proto__', 'version: 1\n__proto__: {}', ['__proto__: {}: unknown key (line 2)']],
    [
      'with a key twice',
      'version: 1\ntools: {deny: [a], deny: []}',
      ['not YAML: Map keys must be unique at line 2, column 20'],
    ],
    ['with a pattern without quotes', 'version: 1\ntools: {deny: [*-env]}', [QUOTES]],
    ['with "*" without quotes', 'version: 1\ntools: {deny: [*]}', [QUOTES]],
    ['over 64 KiB', `version: 1 #${'x'.repeat(65_536)}`, ['is longer than 65536 characters']],
    ['with aliases', 'a: &a [x, x]\nb: &b [*a, *a]\nversion: 1', [QUOTES]],
    [
      'of two documents',
      'version: 1\n---\nversion: 1',
      [
        'not YAML: Source contains multiple documents; please use YAML.parseAllDocuments() at line 2, column 1',
      ],
    ],
    [
      'with a tag',
      'version: !!js/function 1',
      ['not YAML: Unresolved tag: tag:yaml.org,2002:js/function at line 1, column 10'],
    ],
    [
      'with a fault further down',
      'version: 1\n\ntools:\n  allow: [a]\n  deny:\n    - b\n    - c d\n',
      [
        'tools.deny.1: "c d": is a tool name of at most 128 letters, digits, "_-./", with "*" and "?" for others (line 7)',
      ],
    ],
    [
      'with several faults',
      'version: 1\ntools: {allow: a, deny: ["a b"], mode: none, more: 1}',
      [
        'tools.allow: "a": Invalid input: expected array, received string (line 2)',
        'tools.deny.0: "a b": is a tool name of at most 128 letters, digits, "_-./", with "*" and "?" for others (line 2)',
        'tools.mode: "none": Invalid option: expected one of "all"|"non-destructive"|"read-only" (line 2)',
        'tools.more: 1: unknown key (line 2)',
      ],
    ],
  ] as const) {
    test(`${what} is none`, () => assert.deepEqual(shown(text), faults));
  }
});

test('nesting without end is a fault like others', () => {
  for (const text of ['['.repeat(60_000), '{a: '.repeat(15_000), '- '.repeat(30_000)]) {
    const read = readPolicy(text);
    assert.match('faults' in read ? (read.faults[0] ?? '') : '', /^not YAML: /);
  }
});

describe('annotations and policy', () => {
  const RULES = { allow: 'policy/tools.allow', deny: 'policy/tools.deny', mode: 'policy/tools.mode' };
  const annotations = compileFilter({ allowTools: ['a', 'b'], mode: 'all' });
  const policy = compileFilter({ allowTools: ['b', 'c'], mode: 'all' }, RULES);

  test('must both let a tool through, and who refused it is told', () => {
    const decide = both(annotations, policy)!;
    assert.deepEqual(
      ['a', 'b', 'c', 'd'].map((name) => decide(tool(name))),
      [
        { allowed: false, rule: 'policy/tools.allow' },
        { allowed: true, rule: 'policy/tools.allow' },
        { allowed: false, rule: 'allow-tools' },
        { allowed: false, rule: 'allow-tools' },
      ],
    );
  });

  test('the one that says nothing changes nothing', () => {
    assert.equal(both(annotations, undefined), annotations);
    assert.equal(both(undefined, policy), policy);
    assert.equal(both(undefined, undefined), undefined);
    const denying = compileFilter({ denyTools: ['x'], mode: 'all' }, RULES);
    assert.deepEqual(both(annotations, denying)!(tool('a')), { allowed: true, rule: 'allow-tools' });
  });
});
