import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { exactly, plus, written } from '../../../webhook/foresee/amounts.ts';
import { amountOf } from '../../../webhook/quantity.ts';

describe('exact amounts', () => {
  const cases: [quantity: string, resource: string, shown: string][] = [
    ['100m', 'cpu', '100m'],
    ['0.1', 'cpu', '100m'],
    ['1.5', 'cpu', '1500m'],
    ['2000m', 'cpu', '2'],
    ['1e3', 'cpu', '1000'],
    ['1E', 'pods', '1000000000000000000'],
    ['100n', 'cpu', '100n'],
    ['0.1n', 'cpu', '1n'],
    ['128Mi', 'memory', '128Mi'],
    ['1.5Gi', 'limits.memory', '1536Mi'],
    ['1000', 'memory', '1000'],
    ['1k', 'memory', '1000'],
    ['0', 'memory', '0'],
    ['-1', 'cpu', '-1'],
    ['.5', 'cpu', '500m'],
    ['5.', 'cpu', '5'],
  ];
  for (const [quantity, resource, shown] of cases) {
    test(`${quantity} ${resource} is ${shown}`, () => {
      assert.equal(written(exactly(quantity), resource), shown);
    });
  }

  test('add up without a rest', () => {
    assert.equal(plus({ cpu: exactly('0.1') }, { cpu: exactly('0.2') })['cpu'], exactly('0.3'));
  });

  test('are nothing where nothing is said, or more than anybody has', () => {
    for (const text of ['', 'x', '1x', '1e', '--1', '1e999999999', '9'.repeat(1_000_000), '1.2.3', '.']) {
      assert.equal(exactly(text), 0n, text.slice(0, 20));
    }
  });

  test('are the same as a number', () => {
    for (const [quantity] of cases) {
      const [exact, number] = [Number(exactly(quantity)) / 1e9, amountOf(quantity)!];
      assert.ok(
        Math.abs(exact - number) <= Math.max(1e-9, number * 1e-12),
        `${quantity}: ${exact} ${number}`,
      );
    }
    for (const text of ['', 'x', '1x', undefined, '1.2.3', '.']) assert.equal(amountOf(text), undefined);
  });
});
