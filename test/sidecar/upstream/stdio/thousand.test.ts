/** Processes that are started and dropped in every rude way leave nothing; in `npm run test:full` a thousand of them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { waitFor } from '../../wire/wait-for.ts';
import { launch, type Launched, processesOf, supervise, whyNot as skip } from './supervised.ts';

const PROCESSES = Number(process.env['STDIO_PROCESSES'] ?? '100');
const AT_ONCE = 60;
const MANNERS = [
  'well',
  'deaf',
  'daemon',
  'holder',
  'leaver',
  'zombies',
  'unkept',
  'crash',
  'fail',
  'unread',
];

/** What a session may be dropped by; each ends with the process's end being told. */
const DROPS: readonly ((one: Launched) => void)[] = [
  ({ process: each }) => each.stop(),
  ({ process: each }) => {
    each.write(Buffer.from('{"jsonrpc":"2.0","id":1,"meth'), () => {});
    each.stop();
  },
  ({ process: each }) => {
    each.pause();
    each.write(Buffer.alloc(300_000, 'x\n'), () => {});
    each.stop();
    each.resume();
  },
];

const descriptorsOf = (pid: number | string): number => readdirSync(`/proc/${pid}/fd`).length;
const residentOf = (pid: number | string): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

test(`${PROCESSES} processes dropped in every rude way leave nothing`, { skip }, async (t) => {
  const supervised = supervise(t);
  const { launcher, run, uid } = supervised;
  const first = await launch(launcher, 'well');
  await first.echo('first');
  first.process.stop();
  await first.exit;
  const own = descriptorsOf('self');
  const supervisors = descriptorsOf(supervised.child.pid!);
  const resident = residentOf(supervised.child.pid!);

  async function one(index: number): Promise<void> {
    const manner = MANNERS[index % MANNERS.length]!;
    const launched = await launch(launcher, manner);
    if (['well', 'deaf', 'daemon', 'holder', 'zombies', 'leaver'].includes(manner) && index % 3 > 0)
      await launched.echo(`line ${index}`);
    DROPS[index % DROPS.length]!(launched);
    await launched.exit;
  }
  let next = 0;
  const turns = Array.from({ length: AT_ONCE }, async () => {
    while (next < PROCESSES) await one(next++);
  });
  await Promise.all(turns);

  await waitFor('only the supervisor', () => processesOf(uid).length === 1);
  assert.deepEqual(readdirSync(run), ['control', 'status']);
  await waitFor('the descriptors of before', () => descriptorsOf('self') <= own);
  assert.equal(descriptorsOf(supervised.child.pid!), supervisors);
  assert.ok(residentOf(supervised.child.pid!) < resident + 1_024);
});

test('sidecars that are killed leave nothing, and the next one is served', { skip }, async (t) => {
  const { run, uid, child } = supervise(t, undefined, { launches: false });
  await waitFor('the supervisor', () => readdirSync(run).length === 2);
  const supervisors = descriptorsOf(child.pid!);
  for (let times = 0; times < 3; times++) {
    const sidecar = spawn(
      process.execPath,
      [
        join(import.meta.dirname, 'rude-sidecar.ts'),
        run,
        '12',
        'well',
        'deaf',
        'daemon',
        'holder',
        'zombies',
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    t.after(() => sidecar.kill('SIGKILL'));
    // Twice in the middle of starting, once afterwards.
    if (times === 2)
      await waitFor('all started', async () => `${(await once(sidecar.stdout, 'data'))[0]}` !== '');
    else await waitFor('some of them', () => readdirSync(run).length > 6);
    const ended = once(sidecar, 'exit');
    sidecar.kill('SIGKILL');
    await ended;
  }
  await waitFor('only the supervisor', () => processesOf(uid).length === 1);
  assert.deepEqual(readdirSync(run), ['control', 'status']);
  assert.equal(descriptorsOf(child.pid!), supervisors);
});
