import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { argumentShape } from '../../../sidecar/overrides/argument-shape.ts';
import { compileOverrides } from '../../../sidecar/overrides/compile-overrides.ts';
import { viewOf } from '../../../sidecar/overrides/override-view.ts';
import type { OverrideText } from '../../../sidecar/overrides/overrides-schema.ts';

const view = (overrides: OverrideText[], tools: readonly string[], inputSchema?: object) =>
  viewOf(
    compileOverrides(overrides)!,
    new Map(tools.map((name) => [name, { name, ...(inputSchema && { shape: argumentShape(inputSchema) }) }])),
  );

describe('overrides, with the tools of a server', () => {
  test('hide two tools that would have one name, unless the other has another now', () => {
    const { hidden, problems } = view([{ tool: 'a', name: 'b' }], ['a', 'b']);
    assert.deepEqual([...hidden.keys()], ['a', 'b']);
    assert.match(problems.join(), /the server has a tool "b", too; callers see neither/);
    const swapped = view(
      [
        { tool: 'a', name: 'b' },
        { tool: 'b', name: 'a' },
      ],
      ['a', 'b'],
    );
    assert.deepEqual([...swapped.hidden], []);
    assert.deepEqual(
      [...swapped.shown],
      [
        ['a', 'b'],
        ['b', 'a'],
      ],
    );
  });

  test('that are of no tool are told to the owner', () => {
    assert.match(
      view([{ tool: 'x', title: 'X' }], ['a']).problems.join(),
      /"x": the server has no such tool/,
    );
    const { hidden, problems } = view([{ tool: 'x', name: 'a' }], ['a']);
    assert.deepEqual([...hidden.keys()], ['a']);
    assert.match(problems.join(), /no such tool; callers do not see its tool "a"/);
  });

  test('that hide what the server needs are told, and in force', () => {
    const { hidden, problems } = view([{ tool: 'a', arguments: { hidden: ['n'] } }], ['a'], {
      type: 'object',
      properties: { n: {} },
      required: ['n'],
    });
    assert.equal(hidden.size, 0);
    assert.match(problems.join(), /the server needs n, which callers cannot send any more/);
  });
});
