import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { waitFor } from '../../wire/wait-for.ts';
import { launch, processesOf, supervise, whyNot as skip } from './supervised.ts';

/** Of a supervisor without sessions. */
const IDLE = ['control', 'status'];

test('a process of its own for each session, with directories of its own', { skip }, async (t) => {
  const { launcher, run, uid } = supervise(t);
  const [one, two] = await Promise.all([launch(launcher, 'well'), launch(launcher, 'well')]);
  await Promise.all([one.echo('to one'), two.echo('to two')]);
  assert.equal(one.stdout(), 'to one\n');
  assert.equal(two.stdout(), 'to two\n');
  const told = await launch(launcher, 'environment', {
    STATE_FILE: '{session-dir}/state.json',
    SPACED: ' a  b\n%41 é',
    XDG_DATA_HOME: '/elsewhere',
  });
  await told.echo('all told');
  const own = `${run}/${told.id}`;
  for (const line of [
    `HOME=${own}/home`,
    `TMPDIR=${own}/tmp`,
    `XDG_CACHE_HOME=${own}/home/.cache`,
    'XDG_DATA_HOME=/elsewhere',
    `STATE_FILE=${own}/state.json`,
    'SPACED= a  b',
    '/',
  ])
    assert.ok(told.stdout().split('\n').includes(line), line);
  assert.ok(Buffer.from(told.stdout(), 'latin1').toString().includes('SPACED= a  b\n%41 é\n'));
  assert.match(told.stdout(), /^drwx------ .*\/home$/m);
  for (const each of [one, two, told]) each.process.stop();
  assert.deepEqual(
    (await Promise.all([one.exit, two.exit, told.exit])).map(({ code }) => code),
    [0, 0, 0],
  );
  await waitFor('only the supervisor', () => processesOf(uid).length === 1);
  assert.deepEqual(readdirSync(run), IDLE);
});

test(
  'how a process ends is told, with its last words, which stand marked in the log',
  { skip },
  async (t) => {
    const { launcher, log } = supervise(t);
    const crash = await launch(launcher, 'crash');
    assert.deepEqual(await crash.exit, {
      signal: 'SIGSEGV',
      stderr: ['first line', 'Bearer of bad news?[2K?\ufffd?2K'],
    });
    const failed = await launch(launcher, 'fail');
    assert.deepEqual(await failed.exit, { code: 7, stderr: ['cannot read its configuration'] });
    assert.ok(
      log().includes(`[${crash.id}] first line\n[${crash.id}] Bearer of bad news?[2K?\xc2?2K\n`),
      log(),
    );
    assert.ok(log().includes(`[${failed.id}] cannot read its configuration\n`));
  },
);

test('a server that ignores TERM and forks twice is ended, with all that came of it', { skip }, async (t) => {
  const { launcher, uid, run } = supervise(t);
  const all = await Promise.all(
    ['deaf', 'daemon', 'holder', 'zombies'].map((manner) => launch(launcher, manner)),
  );
  for (const each of all) await each.echo('here');
  assert.ok(processesOf(uid).length >= 1 + 4 * 2 + 4, processesOf(uid).join('\n'));
  for (const each of all) each.process.stop();
  const exits = await Promise.all(all.map(({ exit }) => exit));
  assert.deepEqual(
    exits.map(({ code, signal }) => signal ?? code),
    ['SIGKILL', 0, 0, 0],
  );
  await waitFor('only the supervisor', () => processesOf(uid).length === 1);
  assert.deepEqual(readdirSync(run), IDLE);
});

test('what a process leaves behind is gone before its end is told', { skip }, async (t) => {
  const { launcher, uid } = supervise(t);
  const leaver = await launch(launcher, 'leaver');
  await leaver.echo('bye');
  assert.equal((await leaver.exit).code, 3);
  assert.equal(processesOf(uid).length, 1, processesOf(uid).join('\n'));
});

test('a keeper that its own server kills takes that session along, and no other', { skip }, async (t) => {
  const { launcher, uid, run } = supervise(t);
  const other = await launch(launcher, 'daemon');
  await other.echo('before');
  const unkept = await launch(launcher, 'unkept');
  assert.equal((await unkept.exit).signal, 'SIGKILL');
  await waitFor(
    'the strays',
    () => processesOf(uid).filter((each) => /^\d+ \w sleep/.test(each)).length === 1,
  );
  await other.echo('after');
  assert.deepEqual(readdirSync(run).toSorted(), [...IDLE, other.id].toSorted());
});

test('its size is that of the process and all below it, and grows', { skip }, async (t) => {
  const { launcher } = supervise(t);
  const { process, echo } = await launch(launcher, 'zombies');
  await echo('here');
  const size = await waitFor('its size', () => process.residentBytes);
  assert.ok(size > 50_000 && size < 20_000_000, String(size));
  assert.equal(typeof launcher.memoryLimitBytes, 'number');
});

test('a supervisor that was killed leaves no process, and its successor is found', { skip }, async (t) => {
  const supervised = supervise(t);
  const { launcher, uid, run } = supervised;
  const before = await Promise.all(['well', 'deaf', 'daemon'].map((manner) => launch(launcher, manner)));
  for (const each of before) await each.echo('here');
  writeFileSync(join(run, before[0]!.id, 'home/left'), 'by an earlier one');
  const killed = supervised.child.pid;
  await supervised.restart();
  for (const { exit } of before) assert.match((await exit).stderr.at(-1) ?? '', /container has ended/);
  const after = await launch(launcher, 'well');
  await after.echo('again');
  await waitFor('only the new ones', () => processesOf(uid).length === 3);
  assert.notEqual(supervised.child.pid, killed);
  assert.equal(existsSync(join(run, before[0]!.id)), false);
});

test('TERM ends every session and then the supervisor, without an error', { skip }, async (t) => {
  const supervised = supervise(t);
  const { launcher, uid } = supervised;
  const all = await Promise.all(['well', 'deaf', 'daemon'].map((manner) => launch(launcher, manner)));
  for (const each of all) await each.echo('here');
  supervised.child.kill('SIGTERM');
  assert.equal(await supervised.ended(), 0);
  assert.deepEqual(processesOf(uid), []);
  assert.deepEqual(
    (await Promise.all(all.map(({ exit }) => exit))).map(({ signal }) => signal),
    ['SIGTERM', 'SIGKILL', 'SIGTERM'],
  );
});

test('pipes are open to the sidecar whatever the umask, which the server keeps', { skip }, async (t) => {
  const under = ['/bin/sh', '-c', 'umask 077; exec "$@"', 'sh'];
  const { launcher, run } = supervise(t, undefined, { under });
  const one = await launch(launcher, 'environment');
  await one.echo('here');
  for (const name of ['control', 'status', ...['in', 'out', 'err'].map((each) => `${one.id}/${each}`)])
    assert.equal(statSync(join(run, name)).mode & 0o777, 0o666, name);
  assert.match(one.stdout(), /^0077$/m);
});

test('a session that cannot be made whole leaves nothing', { skip }, async (t) => {
  // Two descriptors short of a session.
  const { launcher, run, log } = supervise(t, undefined, { under: ['prlimit', '--nofile=10'] });
  await assert.rejects(launch(launcher, 'well'), /started no process/);
  assert.match(log(), /supervise: cannot make .*: Too many open files/);
  assert.deepEqual(readdirSync(run), IDLE);
});

test('a server reaches no descriptor of its keeper, and the log only with its mark', { skip }, async (t) => {
  const { launcher, log } = supervise(t);
  const spy = await launch(launcher, 'spy');
  await spy.echo('here');
  assert.equal(spy.stdout(), 'here\n');
  await waitFor('its complaint', () => log().includes('Permission denied'));
  assert.doesNotMatch(log(), /^forged/m);
});

test('a keeper that another session has stopped ends its own when it is asked', { skip }, async (t) => {
  const { launcher, uid } = supervise(t);
  const daemon = await launch(launcher, 'daemon');
  await daemon.echo('here');
  const server = processesOf(uid)
    .find((each) => /^\d+ \w \/bin\/sh /.test(each))!
    .split(' ')[0]!;
  const keeper = /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${server}/status`, 'utf8'))![1]!;
  const stopper = await launch(launcher, 'stopper', { KEEPER: keeper });
  await waitFor('the stop', () => processesOf(uid).some((each) => each.startsWith(`${keeper} T`)));
  for (const each of [daemon, stopper]) each.process.stop();
  assert.deepEqual((await daemon.exit).code, 0);
  await waitFor('only the supervisor', () => processesOf(uid).length === 1);
});

test('a log that nobody takes away holds up no stop', { skip }, async (t) => {
  const { launcher, child, uid } = supervise(t);
  child.stderr!.pause();
  const chatty = await launch(launcher, 'chatty');
  await waitFor('a full log', () => chatty.stderr.length > 50_000);
  chatty.process.stop();
  await waitFor('only the supervisor', () => processesOf(uid).length === 1);
  child.stderr!.resume();
});

test(
  'a command that cannot be started ends the supervisor with its code, for the kubelet to show',
  { skip },
  async (t) => {
    const supervised = supervise(t, ['no-such-server', '--flag']);
    for (let times = 0; times < 5; times++) {
      const { exit } = await launch(supervised.launcher, 'well');
      assert.deepEqual(await exit, {
        code: 127,
        stderr: ['supervise: cannot start no-such-server: No such file or directory'],
      });
    }
    assert.equal(await supervised.ended(), 127);
    assert.match(
      supervised.log(),
      /supervise: no-such-server ended 5 times within 10 s of its start, at last with code 127\n$/,
    );
  },
);

test('a command that has served somebody is not given up for those whom it fails', { skip }, async (t) => {
  const supervised = supervise(t);
  const served = await launch(supervised.launcher, 'well');
  await served.echo('here');
  served.process.stop();
  await served.exit;
  for (let times = 0; times < 8; times++)
    assert.equal((await (await launch(supervised.launcher, 'fail')).exit).code, 7);
  await (await launch(supervised.launcher, 'well')).echo('still here');
});
