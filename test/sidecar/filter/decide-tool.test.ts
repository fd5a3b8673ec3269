import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compileFilter, toolFacts } from '../../../sidecar/filter/decide-tool.ts';

const TOOLS = {
  reads: { readOnlyHint: true },
  writes: { readOnlyHint: false, destructiveHint: false },
  deletes: { destructiveHint: true },
  silent: undefined,
};
type Filter = Parameters<typeof compileFilter>[0];

/** The filter, and for each tool `+` or `-` with the rule. */
const TABLE: readonly (readonly [Filter, Record<keyof typeof TOOLS, string>])[] = [
  [{ mode: 'read-only' }, { reads: '+default', writes: '-mode', deletes: '-mode', silent: '-mode' }],
  [{ mode: 'non-destructive' }, { reads: '+default', writes: '+default', deletes: '-mode', silent: '-mode' }],
  [
    { mode: 'all', allowTools: ['*s'] },
    { reads: '+allow-tools', writes: '+allow-tools', deletes: '+allow-tools', silent: '-allow-tools' },
  ],
  [
    { mode: 'all', denyTools: ['del*', 'silent'] },
    { reads: '+default', writes: '+default', deletes: '-deny-tools', silent: '-deny-tools' },
  ],
  // Deny wins over allow, and mode is not widened by allow.
  [
    { mode: 'read-only', allowTools: ['*'], denyTools: ['reads'] },
    { reads: '-deny-tools', writes: '-mode', deletes: '-mode', silent: '-mode' },
  ],
  // An empty list of allowed tools is not the same as none.
  [
    { mode: 'all', allowTools: [] },
    { reads: '-allow-tools', writes: '-allow-tools', deletes: '-allow-tools', silent: '-allow-tools' },
  ],
  // Names are compared byte for byte.
  [
    { mode: 'all', denyTools: ['READS'] },
    { reads: '+default', writes: '+default', deletes: '+default', silent: '+default' },
  ],
];

describe('the tool filter', () => {
  for (const [filter, expected] of TABLE) {
    test(`decides under ${JSON.stringify(filter)}`, () => {
      const decide = compileFilter(filter);
      assert.ok(decide);
      const verdicts = Object.entries(TOOLS).map(([name, annotations]) => {
        const facts = toolFacts({ name, annotations });
        assert.ok(facts);
        const { allowed, rule } = decide(facts);
        return [name, `${allowed ? '+' : '-'}${rule}`];
      });
      assert.deepEqual(Object.fromEntries(verdicts), expected);
    });
  }

  test('is not there when nothing is configured', () => {
    assert.equal(compileFilter({ mode: 'all' }), undefined);
    assert.equal(compileFilter({ mode: 'all', denyTools: [] }), undefined);
  });
});

describe('the facts of a tool', () => {
  test('without hints are the worst', () => {
    for (const annotations of [undefined, null, {}, 'x', [], { readOnlyHint: 'true', destructiveHint: 0 }])
      assert.deepEqual(toolFacts({ name: 'a', annotations }), {
        name: 'a',
        readOnly: false,
        destructive: true,
      });
  });

  test('that reads alone are not destructive, whatever else it says', () => {
    assert.deepEqual(toolFacts({ name: 'a', annotations: { readOnlyHint: true, destructiveHint: true } }), {
      name: 'a',
      readOnly: true,
      destructive: false,
    });
  });

  test('are none without a name', () => {
    for (const tool of [undefined, null, 1, 'a', {}, { name: 1 }, { name: null }, []])
      assert.equal(toolFacts(tool), undefined);
  });
});
