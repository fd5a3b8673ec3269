/** Servers that fill every pipe there is: bounded here, and of no harm to the other sessions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '../../wire/wait-for.ts';
import { launch, supervise, whyNot as skip } from './supervised.ts';

const MEBIBYTE = 1024 * 1024;
const GIBIBYTE = 1024 * MEBIBYTE;

test('a gigabyte without a newline waits in the pipe until somebody takes it', { skip }, async (t) => {
  const { launcher } = supervise(t);
  const other = await launch(launcher, 'well');
  let taken = 0;
  let most = 0;
  const { promise: gone, resolve } = Promise.withResolvers<unknown>();
  const before = process.memoryUsage().rss;
  const flood = await launcher.launch(
    { id: 'flood', env: { MANNER: 'flood', BYTES: String(GIBIBYTE) } },
    {
      stdout(bytes) {
        taken += bytes.length;
        if (taken === bytes.length) flood.pause();
        most = Math.max(most, process.memoryUsage.rss() - before);
      },
      stderr: () => {},
      exited: resolve,
    },
  );
  await waitFor('the first of it', () => taken);
  const paused = taken;
  await other.echo('while it waits');
  await delay(200);
  assert.ok(taken <= paused + MEBIBYTE, String(taken));
  flood.resume();
  await waitFor('a part of it', () => taken > 100 * MEBIBYTE);
  await other.echo('while it flows');
  await waitFor('all of it', () => taken === GIBIBYTE);
  flood.stop();
  await gone;
  assert.ok(most < 200 * MEBIBYTE, `${most / MEBIBYTE} MiB`);
});

test('what a server does not read is refused beyond a bound', { skip }, async (t) => {
  const { launcher } = supervise(t);
  const unread = await launch(launcher, 'unread');
  const failures: Error[] = [];
  for (let sent = 0; sent < 40; sent++)
    unread.process.write(Buffer.alloc(MEBIBYTE, 'x'), (error) => failures.push(error));
  assert.ok(failures.length > 20 && failures.length < 25, String(failures.length));
  assert.match(failures[0]!.message, /does not read/);
  unread.process.stop();
  await unread.exit;
  assert.equal(failures.length, 40);
});

for (const manner of ['flood-stderr', 'flood-err', 'flood-status'])
  test(`${manner}: other sessions are served meanwhile`, { skip }, async (t) => {
    const { launcher } = supervise(t);
    const other = await launch(launcher, 'well');
    const flood = await launch(launcher, manner, { BYTES: String(30 * MEBIBYTE) });
    const cpu = process.cpuUsage();
    const begun = performance.now();
    for (let line = 0; line < 20; line++) {
      await other.echo(`line ${line} of the other`);
      await delay(20);
    }
    const { user, system } = process.cpuUsage(cpu);
    const share = (user + system) / 1_000 / (performance.now() - begun);
    assert.ok(share < 0.7, `${share} of a processor`);
    assert.ok(flood.stderr.every((line) => line.length <= 4_096));
    const third = await launch(launcher, 'well');
    await third.echo('started meanwhile');
    for (const each of [third, other, flood]) each.process.stop();
    const exits = await Promise.all([third, other, flood].map(({ exit }) => exit));
    assert.deepEqual([exits[0]!.code, exits[1]!.code], [0, 0]);
    assert.ok(exits[2]!.stderr.length <= 21);
  });
