import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CoreV1Event } from '@kubernetes/client-node';
import { newFailure, seenEvents } from '../../../plugin/enable/failed-creates.ts';

const event = (uid: string, count: number, message = uid): CoreV1Event => ({
  metadata: { uid },
  involvedObject: {},
  count,
  message,
});

describe('events of pods that could not be created', () => {
  test('of before tell nothing', () => {
    assert.equal(newFailure(seenEvents([event('old', 3)]), [event('old', 3)]), undefined);
    assert.equal(newFailure(seenEvents([]), []), undefined);
  });

  test('count when they come, or come again', () => {
    assert.equal(newFailure(seenEvents([event('old', 3)]), [event('old', 3), event('new', 1)]), 'new');
    assert.equal(newFailure(seenEvents([event('old', 3)]), [event('old', 4)]), 'old');
    const series = { ...event('old', 1), count: undefined, series: { count: 5 } } as unknown as CoreV1Event;
    assert.equal(newFailure(seenEvents([event('old', 4)]), [series]), 'old');
  });

  test('the last one counts', () => {
    assert.equal(newFailure(seenEvents([]), [event('one', 1), event('two', 1)]), 'two');
  });
});
