/** The platforms of the image, by the names that OCI, Node and Debian give them. */
import { join } from 'node:path';
import { foreignTree } from './foreign-tree.ts';

const ROOT = join(import.meta.dirname, '..');

export type Platform = {
  /** As OCI writes it. */
  name: string;
  /** OCI and Debian agree on these. */
  architecture: string;
  nodeArch: string;
  /** Directory of its libraries. */
  triplet: string;
  emulator: string;
};

export const PLATFORMS: readonly Platform[] = [
  {
    name: 'linux/amd64',
    architecture: 'amd64',
    nodeArch: 'x64',
    triplet: 'x86_64-linux-gnu',
    emulator: 'qemu-x86_64-static',
  },
  {
    name: 'linux/arm64',
    architecture: 'arm64',
    nodeArch: 'arm64',
    triplet: 'aarch64-linux-gnu',
    emulator: 'qemu-aarch64-static',
  },
];

/** Where the parts of an image are taken from, and how its programs are run and stripped here. */
export type Tree = {
  platform: Platform;
  /** Holds Debian's files. */
  root: string;
  node: string;
  strip: string;
  /** Runs Node of that platform. */
  runNode: readonly string[];
};

export function ownPlatform(): Platform {
  const found = PLATFORMS.find(({ nodeArch }) => nodeArch === process.arch);
  if (!found) throw new Error(`no image is made for ${process.arch}`);
  return found;
}

/** @throws when a name is none of ours */
export function platformsNamed(names: string): Platform[] {
  return [...new Set(names.split(','))].map((name) => {
    const found = PLATFORMS.find((each) => each.name === name);
    if (found) return found;
    throw new Error(`no platform ${name}; there are ${PLATFORMS.map((each) => each.name).join(', ')}`);
  });
}

/** The machine's own, or one that is fetched and emulated. */
export function treeOf(platform: Platform): Tree {
  if (platform.nodeArch === process.arch) {
    const node = join(ROOT, 'node_modules', '.bin', 'node');
    return { platform, root: '/', node, strip: 'strip', runNode: [node] };
  }
  const { root, node } = foreignTree(platform);
  return {
    platform,
    root,
    node,
    strip: `${platform.triplet}-strip`,
    runNode: [platform.emulator, '-L', root, node],
  };
}
