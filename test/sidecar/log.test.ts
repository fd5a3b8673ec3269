import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { createLog } from '../../sidecar/log.ts';

/** A log whose clock stands until it is moved. */
function logged() {
  let nowMs = 0;
  const lines: Record<string, unknown>[] = [];
  const texts: string[] = [];
  const log = createLog(
    'sidecar',
    (line) => {
      texts.push(line);
      lines.push(JSON.parse(line) as Record<string, unknown>);
    },
    () => nowMs,
  );
  return { log, lines, texts, forwardMs: (ms: number) => (nowMs += ms) };
}

test('a line says time, component, event and fields', () => {
  const { log, lines } = logged();
  log('server_degraded', { server: 'everything', error: 'gone' });
  const { time, ...rest } = lines[0]!;
  assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.deepEqual(rest, {
    component: 'sidecar',
    event: 'server_degraded',
    server: 'everything',
    error: 'gone',
  });
});

test('a flood of one event becomes twenty lines, and no other event suffers', () => {
  const { log, lines } = logged();
  for (let index = 0; index < 10_000; index++) log('internal_error', { index });
  log('stopping');
  assert.equal(lines.length, 21);
  assert.equal(lines.at(-1)?.['event'], 'stopping');
});

test('the next line of the event says how many were left out', () => {
  const { log, lines, forwardMs } = logged();
  for (let index = 0; index < 120; index++) log('internal_error');
  forwardMs(3_000);
  log('internal_error', { index: 'next' });
  log('internal_error', { index: 'over again' });
  assert.equal(lines.length, 21);
  assert.equal(lines.at(-1)?.['suppressed'], 100);
  assert.equal(lines.at(-1)?.['index'], 'next');
});

test('what was left out is said although the event does not come again', (context) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  context.after(() => mock.timers.reset());
  const { log, lines } = logged();
  for (let index = 0; index < 25; index++) log('internal_error');
  mock.timers.tick(3_000);
  assert.equal(lines.length, 21);
  assert.deepEqual([lines.at(-1)?.['event'], lines.at(-1)?.['suppressed']], ['internal_error', 5]);
});

test('the words of others are cut, and a line stays under what container runtimes split', () => {
  const { log, lines, texts } = logged();
  log('server_degraded', { error: 'x'.repeat(1_000_000) });
  assert.equal(String(lines[0]!['error']).length, 2_049);
  log('tokens_refused', { faults: Array.from({ length: 100 }, () => '"'.repeat(2_000)) });
  assert.ok(texts[1]!.length < 16_384, `${texts[1]!.length}`);
  assert.equal(lines[1]!['event'], 'tokens_refused');
});
