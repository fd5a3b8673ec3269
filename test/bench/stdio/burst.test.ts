import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrived, BURST } from './burst.ts';

const whole = Array.from({ length: BURST }, (_, at) => ({ progress: at + 1, message: 'me' }));

test('a burst has arrived when all of it is there, in order, with its owner’s name', () => {
  assert.ok(arrived(whole, 'me'));
  assert.ok(!arrived(whole.slice(1), 'me'));
  assert.ok(!arrived([...whole, whole[0]!], 'me'));
  assert.ok(!arrived(whole.toReversed(), 'me'));
  assert.ok(!arrived(whole.with(7, { progress: 8, message: 'another' }), 'me'));
});
