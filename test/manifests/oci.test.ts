import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { layerOf, writeArchive } from '../../manifests/oci.ts';

const write = (root: string, name: string, when: number): string => {
  const directory = join(root, name);
  mkdirSync(join(directory, 'bin'), { recursive: true });
  chmodSync(directory, 0o755);
  for (const file of when > 1 ? ['a', 'b'] : ['b', 'a']) writeFileSync(join(directory, 'bin', file), file);
  utimesSync(join(directory, 'bin', 'a'), when, when);
  const archive = join(root, `${name}.tar`);
  const layers = [layerOf(directory, join(root, 'cache', name))];
  writeArchive(archive, 'example.test/image:1', [{ architecture: 'amd64', layers, config: { User: '1:1' } }]);
  return archive;
};

test('an archive depends on the content of the files, not on when or in which order they were written', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'oci-test-'));
  t.after(() => rmSync(root, { recursive: true }));
  assert.deepEqual(readFileSync(write(root, 'one', 1)), readFileSync(write(root, 'two', 2)));
});

test('an archive carries its name where containerd and where podman look for it', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'oci-test-'));
  t.after(() => rmSync(root, { recursive: true }));
  const index = execFileSync('tar', ['-xOf', write(root, 'one', 1), './index.json'], { encoding: 'utf8' });
  const [manifest] = (JSON.parse(index) as { manifests: { annotations: object }[] }).manifests;
  assert.deepEqual(manifest?.annotations, {
    'io.containerd.image.name': 'example.test/image:1',
    'org.opencontainers.image.ref.name': 'example.test/image:1',
  });
});
