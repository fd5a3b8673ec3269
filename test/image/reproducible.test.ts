import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkout, run } from './checkout.ts';

const DIGEST = /@(sha256:[0-9a-f]{64})/;
const digestIn = (said: string): string => DIGEST.exec(said)?.[1] ?? assert.fail(said);
const layersOf = (archive: string): string[] => {
  const read = (path: string) => JSON.parse(run('tar', '-xOf', archive, path));
  const [{ digest }] = read('./index.json').manifests;
  const { layers } = read(`./blobs/${String(digest).replace(':', '/')}`) as { layers: { digest: string }[] };
  return layers.map((layer) => layer.digest);
};

test('two checkouts give the same archive, whatever umask, time zone, locale and place', (t) => {
  const one = checkout(t);
  const two = checkout(t, one.directory);
  const first = one.image(['--out', join(one.directory, 'image.tar')]);
  execFileSync('chmod', [
    '-R',
    'go-rwx',
    ...['manifests', 'sidecar', 'LICENSE'].map((name) => join(two.directory, name)),
  ]);
  const second = two.image(['--out', join(two.directory, 'image.tar')], {
    umask: '077',
    env: { TZ: 'Pacific/Kiritimati', LC_ALL: 'C.UTF-8', HOME: two.directory, USER: 'somebody' },
  });
  assert.equal(digestIn(first), digestIn(second));
  const [mine, theirs] = [one, two].map(({ directory }) => readFileSync(join(directory, 'image.tar')));
  assert.ok(mine?.equals(theirs!));

  // An upgrade of kubectl-mcp leaves the layer of Node, and the time of the build both.
  const source = join(two.directory, 'sidecar/dial.ts');
  const archive = join(two.directory, 'image.tar');
  const before = layersOf(archive);
  two.image(['--out', archive], { env: { SOURCE_DATE_EPOCH: '1763600000' } });
  assert.deepEqual(layersOf(archive), before);
  writeFileSync(source, `${readFileSync(source, 'utf8')}\nconsole.log('changed');\n`);
  const changed = two.image(['--out', archive]);
  assert.notEqual(digestIn(changed), digestIn(first));
  const [node, app] = layersOf(archive);
  assert.equal(node, before[0]);
  assert.notEqual(app, before[1]);
});
