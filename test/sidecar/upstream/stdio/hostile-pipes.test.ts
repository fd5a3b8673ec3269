/** The server has the supervisor's uid and its directory: it can put anything in a pipe's place, and say anything. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { waitFor } from '../../wire/wait-for.ts';
import { forgeSupervisor, mkfifo } from './forged-supervisor.ts';
import { launch, supervise, whyNot as notRoot } from './supervised.ts';

const SECRET = 'the-signing-key-of-the-sidecar';

/** What is put in the place of a pipe, with the words that the refusal has for it. */
const SWAPS: Readonly<
  Record<string, { put: (path: string, secret: string) => void; says: string; skip?: boolean }>
> = {
  'a link to a secret': { put: (path, secret) => symlinkSync(secret, path), says: 'a symbolic link' },
  'a link to a pipe': {
    put(path) {
      mkfifo(`${path}.other`);
      symlinkSync(`${path}.other`, path);
    },
    says: 'a symbolic link',
  },
  'a link to /proc/self': { put: (path) => symlinkSync('/proc/self/environ', path), says: 'a symbolic link' },
  'a regular file': { put: (path) => writeFileSync(path, 'a'.repeat(100)), says: 'a regular file' },
  'a directory': { put: (path) => mkdirSync(path), says: 'a directory' },
  'a device': {
    put: (path) => execFileSync('mknod', [path, 'c', '1', '5']),
    says: 'a device',
    skip: notRoot !== false,
  },
  nothing: { put: () => {}, says: 'ENOENT' },
};

const descriptors = (): number => readdirSync('/proc/self/fd').length;

for (const [what, { put, says, skip = false }] of Object.entries(SWAPS))
  for (const name of ['in', 'out', 'err'])
    test(`${what} in place of the pipe ${name} is not opened`, { skip }, async (t) => {
      const { launcher, run, logged, make } = forgeSupervisor(t, (forged, epoch, id) => {
        const directory = make(id);
        rmSync(join(directory, name));
        put(join(directory, name), join(run, 'secret'));
        forged.say(`made ${epoch} ${id}`);
        forged.say(`started ${epoch} ${id}`);
      });
      writeFileSync(join(run, 'secret'), SECRET);
      const before = descriptors();
      const said: string[] = [];
      await assert.rejects(
        launcher.launch(
          { id: 'victim', env: {} },
          {
            stdout: (bytes) => said.push(`${bytes}`),
            stderr: (line) => said.push(line),
            exited: () => said.push('exited'),
          },
        ),
        new RegExp(`no pipes to the server's process: .*${says}`),
      );
      assert.deepEqual(said, []);
      assert.ok(!logged.join('').includes(SECRET));
      assert.ok(logged.some((line) => line.includes('stdio_pipe_refused')));
      // Three are the forged keeper's own.
      assert.equal(descriptors(), before + 3);
      assert.equal(readFileSync(join(run, 'secret'), 'utf8'), SECRET);
    });

test('a socket in place of a pipe is not opened', async (t) => {
  const { launcher, make } = forgeSupervisor(t, (forged, epoch, id) => {
    const directory = make(id);
    rmSync(join(directory, 'out'));
    const server = createServer().listen(join(directory, 'out'), () => forged.say(`made ${epoch} ${id}`));
    t.after(() => void server.close());
  });
  await assert.rejects(launch(launcher, 'well'), /out is a socket/);
});

test('a link in place of the whole directory is not followed', async (t) => {
  const { launcher, run, make } = forgeSupervisor(t, (forged, epoch, id) => {
    const directory = make(id);
    renameSync(directory, join(run, 'elsewhere'));
    symlinkSync(join(run, 'elsewhere'), directory);
    forged.say(`made ${epoch} ${id}`);
  });
  await assert.rejects(launch(launcher, 'well'), /no directory/);
});

test('a pipe that nobody reads and a process that nobody starts hold up nothing', async (t) => {
  const { launcher, run } = forgeSupervisor(t, (forged, epoch, id) => {
    mkdirSync(join(run, id));
    mkfifo(...['in', 'out', 'err'].map((name) => join(run, id, name)));
    if (!id.startsWith('silent')) forged.say(`made ${epoch} ${id}`);
  });
  const ticks = setInterval(() => ticked++, 10);
  let ticked = 0;
  t.after(() => clearInterval(ticks));
  await assert.rejects(launch(launcher, 'well', {}, 'unread'), /ENXIO/);
  await assert.rejects(launch(launcher, 'well', {}, 'silent'), /started no process in 3 s/);
  assert.ok(ticked > 50, `the event loop stood still: ${ticked}`);
});

for (const name of ['control', 'status'])
  test(`a link in place of ${name} is not opened, and the true one is found afterwards`, async (t) => {
    const forged = forgeSupervisor(t, (self, epoch, id) => {
      make(id);
      for (const verb of ['made', 'started']) self.say(`${verb} ${epoch} ${id}`);
    });
    const { run, logged, make } = forged;
    await forged.launcher.close();
    const { createPipesLauncher } =
      await import('../../../../sidecar/upstream/stdio/pipes/pipes-launcher.ts');
    renameSync(join(run, name), join(run, 'kept'));
    writeFileSync(join(run, 'secret'), SECRET);
    symlinkSync(join(run, 'secret'), join(run, name));
    const launcher = createPipesLauncher({
      runDirectory: run,
      startTimeoutMs: 500,
      log: (event, fields) => (logged as string[]).push(JSON.stringify({ event, ...fields })),
    });
    await assert.rejects(launch(launcher, 'well'), new RegExp(`${name} is a symbolic link`));
    assert.equal(readFileSync(join(run, 'secret'), 'utf8'), SECRET);
    renameSync(join(run, 'kept'), join(run, name));
    const found = await waitFor('the true one', () => launch(launcher, 'well').catch(() => undefined));
    found.process.stop();
    found.process.write(Buffer.from('x'), () => {});
    forged.say('not a word\nexited 0 t0 code 0');
    await launcher.close();
  });

test('words that are none, are cut or are of another epoch change nothing', async (t) => {
  const { launcher, make } = forgeSupervisor(t, (forged, epoch, id) => {
    make(id);
    for (const line of [
      `exited 0123456789abcdef ${id} code 0`,
      `exited ${epoch} ../../etc code 0`,
      `exited ${epoch} __proto__ code 0`,
      `exited ${epoch}`,
      `\0\xff${'x'.repeat(100_000)}`,
      `size ${epoch} ${id} 99999999999999999999`,
      `made ${epoch} ${id}`,
      `made ${epoch} ${id}`,
      `started ${epoch} ${id}`,
      `started ${epoch} ${id}`,
    ])
      forged.say(line);
  });
  const { process } = await launch(launcher, 'well');
  assert.equal(process.residentBytes, undefined);
});

test('a session that swaps the pipes of the others gets no secret out', { skip: notRoot }, async (t) => {
  const { launcher, run } = supervise(t);
  const secret = join(run, '..', 'secret');
  writeFileSync(secret, SECRET, { mode: 0o600 });
  const before = await launch(launcher, 'well');
  const swapper = await launch(launcher, 'swapper', { SECRET: secret });
  await swapper.echo('swapping');
  const said: string[] = [];
  let refused = 0;
  for (let times = 0; times < 30; times++)
    await launch(launcher, 'well', {}, `s${times}x`).then(
      (victim) => {
        said.push(victim.stdout(), ...victim.stderr);
        victim.process.stop();
      },
      (error: Error) => {
        refused++;
        said.push(error.message);
      },
    );
  assert.ok(!said.join('').includes(SECRET));
  assert.equal(readFileSync(secret, 'utf8'), SECRET);
  t.diagnostic(`${refused} of 30 were refused`);
  await before.echo('unharmed');
  swapper.process.stop();
  await swapper.exit;
  await (await launch(launcher, 'well')).echo('and the next one');
});
