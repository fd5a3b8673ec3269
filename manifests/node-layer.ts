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
import { basename, dirname, join } from 'node:path';
import { settleModes } from './modes.ts';
import { layerOf } from './oci.ts';
import type { Layer } from './oci.ts';
import { installPackages, missingPackages } from './packages.ts';
import type { Tree } from './platforms.ts';

const LAYER_CACHE = join(import.meta.dirname, '..', 'dist', '.layers');
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

/** The same for every image of a platform, so that a machine keeps it once. */
export const nodeLayer = (tree: Tree): Layer => stagedLayer((directory) => stageNode(tree, directory));

export function stageNode(tree: Tree, directory: string): void {
  installPackages(missingPackages(PACKAGES));
  const copy = (from: string, to: string): void => {
    mkdirSync(dirname(join(directory, to)), { recursive: true });
    cpSync(realpathSync(from), join(directory, to));
  };
  copy(tree.node, NODE);
  execFileSync(tree.strip, [join(directory, NODE)]);
  for (const [library, from] of librariesOf(tree)) copy(from, library);
  copy(join(tree.root, 'bin/busybox'), '/bin/busybox');
  for (const [name, from] of Object.entries(LICENCES)) {
    copy(join(tree.root, `usr/share/doc/${from}/copyright`), `/usr/share/doc/${name}/copyright`);
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
  mkdirSync(join(directory, 'tmp'), { recursive: true });
  settleModes(directory);
  chmodSync(join(directory, 'tmp'), 0o1777);
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

/** Where the image has them, the loader included, and where they are taken from. */
function librariesOf({ node, root, platform }: Tree): Map<string, string> {
  const find = (name: string): string => {
    const from = ['lib', 'usr/lib'].map((folder) => join(root, folder, platform.triplet, name));
    const found = from.find((path) => existsSync(path));
    if (found) return found;
    throw new Error(`${name}, which Node needs, is not in ${root}`);
  };
  const loader = /\[Requesting program interpreter: (\S+)\]/.exec(readelf('-l', node))?.[1] ?? '';
  const found = new Map([[loader, find(basename(loader))]]);
  const files = [node];
  for (const file of files) {
    for (const [, name = ''] of readelf('-d', file).matchAll(/\(NEEDED\).*\[(\S+)\]/g)) {
      const library = `/lib/${platform.triplet}/${name}`;
      if (name === basename(loader) || found.has(library)) continue;
      found.set(library, find(name));
      files.push(find(name));
    }
  }
  return found;
}

const readelf = (option: string, file: string): string =>
  execFileSync('readelf', ['-W', option, realpathSync(file)], { encoding: 'utf8' });
