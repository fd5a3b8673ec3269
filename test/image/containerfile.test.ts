import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ownPlatform } from '../../manifests/platforms.ts';
import { checkout, filesIn, run, unpack, whyNot } from './checkout.ts';

const skip = whyNot({ buildah: '/usr/bin/buildah' });
/** What builders add of their own. */
type Config = { Labels?: Record<string, string> };

test('the Containerfile gives the same files and the same configuration', { skip }, (t) => {
  const { directory, image } = checkout(t);
  const at = (name: string): string => join(directory, name);
  image(['--out', at('ours.tar')]);
  image(['--root', at('root')]);
  mkdirSync(at('storage'));
  const buildah = (...args: string[]): string =>
    run(
      'buildah',
      '--root',
      at('storage/root'),
      '--runroot',
      at('storage/run'),
      '--storage-driver',
      'vfs',
      ...args,
    );
  const from = [
    '--platform',
    ownPlatform().name,
    '--file',
    join(directory, 'manifests/Containerfile'),
    at('root'),
  ];
  buildah('build', '--isolation', 'chroot', '--layers', '--tag', 'localhost/theirs:1', ...from);
  buildah('push', 'localhost/theirs:1', `oci-archive:${at('theirs.tar')}`);

  const ours = unpack(at('ours.tar'), at('ours'));
  const theirs = unpack(at('theirs.tar'), at('theirs'));
  const { 'io.buildah.version': _, ...labels } = (theirs.config as Config).Labels ?? {};
  assert.deepEqual({ ...theirs.config, Labels: labels }, ours.config);
  const files = filesIn(at('ours'));
  assert.ok(files.some((line) => line.startsWith('bin/busybox f 755 0:0 ')));
  assert.ok(files.some((line) => line.startsWith('app/supervise f 755 0:0 ')));
  assert.ok(files.includes('tmp d 1777 0:0'));
  assert.deepEqual(filesIn(at('theirs')), files);
});
