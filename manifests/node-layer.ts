/** The files of an image from scratch that runs Node: the npm package's build, its libraries, a user, a busybox. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { layerOf } from './oci.ts';
import type { Layer } from './oci.ts';
import { installPackages, missingPackages } from './packages.ts';

const ROOT = join(import.meta.dirname, '..');
const LAYER_CACHE = join(ROOT, 'dist', '.layers');
const USER_ID = 65532;
export const USER = `${USER_ID}:${USER_ID}`;
export const NODE = '/usr/bin/node';

const PACKAGES = {
  binutils: '/usr/bin/strip',
  'busybox-static': '/usr/share/doc/busybox-static/copyright',
};
/** Licences of what is taken from Debian: directory in the image, package. */
const LICENCES: Readonly<Record<string, string>> = {
  busybox: 'busybox-static',
  libc6: 'libc6',
  'gcc-runtime': 'libstdc++6',
};

/** The same for every image, so that the node keeps it once. */
export function nodeLayer(): Layer {
  installPackages(missingPackages(PACKAGES));
  return stagedLayer((directory) => {
    const copy = (from: string, to: string): void => {
      mkdirSync(dirname(join(directory, to)), { recursive: true });
      cpSync(realpathSync(from), join(directory, to));
    };
    const node = join(ROOT, 'node_modules', '.bin', 'node');
    copy(node, NODE);
    execFileSync('strip', [join(directory, NODE)]);
    chmodSync(join(directory, NODE), 0o755);
    for (const library of librariesOf(node)) copy(library, library);
    copy('/bin/busybox', '/bin/busybox');
    for (const [name, from] of Object.entries(LICENCES)) {
      copy(`/usr/share/doc/${from}/copyright`, `/usr/share/doc/${name}/copyright`);
    }
    const write = (path: string, text: string): void => {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), text);
    };
    write(
      '/etc/passwd',
      `root:x:0:0:root:/:/bin/false\nnonroot:x:${USER_ID}:${USER_ID}:nonroot:/:/bin/false\n`,
    );
    write('/etc/group', `root:x:0:\nnonroot:x:${USER_ID}:\n`);
    write('/etc/nsswitch.conf', 'hosts: files dns\n');
    mkdirSync(join(directory, 'tmp'));
    chmodSync(join(directory, 'tmp'), 0o1777);
  });
}

/** A layer of what `fill` puts into an empty directory. */
export function stagedLayer(fill: (directory: string) => void): Layer {
  const directory = mkdtempSync(join(tmpdir(), 'layer-'));
  try {
    chmodSync(directory, 0o755);
    fill(directory);
    return layerOf(directory, LAYER_CACHE);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Paths as the loader asks for them, the loader itself included. */
function librariesOf(program: string): string[] {
  const listed = execFileSync('ldd', [realpathSync(program)], { encoding: 'utf8' });
  const paths = [...listed.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)].map(([, path]) => path ?? '');
  const missing = [...listed.matchAll(/(\S+) => not found/g)].map(([, name]) => name);
  if (missing.length > 0 || !paths.every((path) => existsSync(path))) {
    throw new Error(`node's libraries are not all there: ${missing.join(', ')}`);
  }
  return paths;
}
