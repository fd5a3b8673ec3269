import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { DirectoryReading } from '../../../sidecar/mounted/read-directory.ts';
import { watchDirectory, type WatchedDirectory } from '../../../sidecar/mounted/watch-directory.ts';
import { waitFor } from '../wire/wait-for.ts';
import { writeAsKubelet, writeByRename } from './write-volume.ts';

let parent: string;
let directory: string;
let readings: DirectoryReading[];
let watched: WatchedDirectory | undefined;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'kubectl-mcp-mounted-'));
  directory = join(parent, 'volume');
  mkdirSync(directory);
  readings = [];
});
afterEach(() => {
  watched?.close();
  rmSync(parent, { recursive: true, force: true });
});

const start = async () =>
  (watched = await watchDirectory(directory, (reading) => void readings.push(reading)));
const shown = (reading: DirectoryReading | undefined) =>
  reading && 'files' in reading
    ? Object.fromEntries([...reading.files].map(([name, content]) => [name, content.toString()]))
    : reading;
const last = () => shown(readings.at(-1));
const becomes = (expected: unknown) =>
  waitFor(JSON.stringify(expected), () => JSON.stringify(last()) === JSON.stringify(expected));
const descriptors = () => readdirSync('/proc/self/fd').length;

describe('a directory that the kubelet writes', () => {
  test('is read before the watch is handed out, and on each swap', async () => {
    writeAsKubelet(directory, { a: '1', b: '1' });
    await start();
    assert.deepEqual(readings.map(shown), [{ a: '1', b: '1' }]);
    writeAsKubelet(directory, { b: '2', c: '2', '.hidden': '2' });
    await becomes({ '.hidden': '2', b: '2', c: '2' });
    assert.equal(readings.length, 2);
  });

  test('is not told of twice when another version holds the same', async () => {
    writeAsKubelet(directory, { a: '1' });
    await start();
    writeAsKubelet(directory, { a: '1' });
    writeAsKubelet(directory, { a: '1' });
    await delay(200);
    writeAsKubelet(directory, { a: '2' });
    await becomes({ a: '2' });
    assert.equal(readings.length, 2);
  });

  test('never gives files of two versions, over 300 swaps by another process, and leaves no descriptor open', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `file-${index}`);
    const files = (value: number) => Object.fromEntries(names.map((name) => [name, String(value)]));
    writeAsKubelet(directory, files(-1));
    await start();
    const before = descriptors();
    const writer = `
      import { writeAsKubelet } from ${JSON.stringify(join(import.meta.dirname, 'write-volume.ts'))};
      const moment = new Int32Array(new SharedArrayBuffer(4));
      for (let value = 0; value < 300; value++, Atomics.wait(moment, 0, 0, 5))
        writeAsKubelet(process.argv[1], Object.fromEntries(${JSON.stringify(names)}.map((name) => [name, String(value)])));`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', writer, directory], {
      stdio: 'inherit',
    });
    const code = await new Promise((resolve) => child.once('exit', resolve));
    assert.equal(code, 0);
    await becomes(Object.fromEntries(Object.entries(files(299)).toSorted()));
    for (const reading of readings) {
      const each = shown(reading) as Record<string, string>;
      assert.deepEqual(Object.keys(each), names.toSorted());
      assert.equal(new Set(Object.values(each)).size, 1, JSON.stringify(each));
    }
    assert.ok(readings.length > 2, `${readings.length} versions seen`);
    assert.equal(descriptors(), before);
  });
});

describe('a directory that another container writes', () => {
  test('is taken as it is when it has come to rest', async () => {
    writeByRename(directory, { token: 'one' });
    await start();
    assert.deepEqual(readings.map(shown), [{ token: 'one' }]);
    writeByRename(directory, { token: 'two', other: 'two' });
    await becomes({ other: 'two', token: 'two' });
    writeFileSync(join(directory, 'token'), 'three');
    await becomes({ other: 'two', token: 'three' });
    rmSync(join(directory, 'other'));
    await becomes({ token: 'three' });
  });

  test('a file that is being written is not taken', async () => {
    writeByRename(directory, { token: 'complete' });
    await start();
    writeFileSync(join(directory, 'token'), '');
    for (let part = 0; part < 20; part++) {
      appendFileSync(join(directory, 'token'), 'x');
      await delay(20);
    }
    await becomes({ token: 'x'.repeat(20) });
    assert.equal(readings.length, 2);
  });

  test('files whose name begins with a dot, and directories, are not its content', async () => {
    mkdirSync(join(directory, 'lost+found'));
    writeFileSync(join(directory, '.token.tmp'), 'half');
    writeFileSync(join(directory, 'token'), 'one');
    await start();
    assert.deepEqual(last(), { token: 'one' });
  });

  for (const [what, make, problem] of [
    ['a FIFO', (path: string) => execFileSync('mkfifo', [path]), '"token" is not a regular file'],
    [
      'a link to a file elsewhere',
      (path: string) => symlinkSync('/etc/hostname', path),
      '"token" is a link that leads out of the volume',
    ],
    [
      'more than a mebibyte',
      (path: string) => writeFileSync(path, Buffer.alloc(1024 * 1024 + 1)),
      'holds more than 1048576 bytes',
    ],
  ] as const) {
    test(`${what} is a problem that names the file, and is over when it is gone`, async () => {
      make(join(directory, 'token'));
      await start();
      assert.deepEqual(last(), { problem });
      rmSync(join(directory, 'token'));
      writeByRename(directory, { token: 'one' });
      await becomes({ token: 'one' });
    });
  }

  test('a link within the volume is followed', async () => {
    mkdirSync(join(directory, 'versions'));
    writeFileSync(join(directory, 'versions', 'one'), 'one');
    symlinkSync('versions/one', join(directory, 'token'));
    await start();
    assert.deepEqual(last(), { token: 'one' });
  });
});

describe('a directory that is not there', () => {
  test('is a problem, and is found when it comes, goes and comes again', async () => {
    rmSync(directory, { recursive: true });
    await start();
    assert.deepEqual(last(), { problem: 'is not there' });
    mkdirSync(directory);
    writeByRename(directory, { token: 'one' });
    await becomes({ token: 'one' });
    renameSync(directory, join(parent, 'away'));
    await becomes({ problem: 'is not there' });
    mkdirSync(directory);
    writeAsKubelet(directory, { token: 'two' });
    await becomes({ token: 'two' });
  });

  test('a link in its place is not followed', async () => {
    renameSync(directory, join(parent, 'real'));
    symlinkSync('real', directory);
    await start();
    assert.deepEqual(last(), { problem: 'is not a directory' });
  });
});
