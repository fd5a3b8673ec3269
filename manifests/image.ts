/**
 * `npm run image`: the one image of the project, as an OCI archive: `-- --platform linux/amd64,linux/arm64` for an index
 * of both. With `--root DIR` its files instead, for manifests/Containerfile.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import packageJson from '../package.json' with { type: 'json' };
import { stageApp } from './app-layer.ts';
import { buildBundles } from './build.ts';
import { writeCompileCache } from './compile-cache.ts';
import { NODE, nodeLayer, stagedLayer, stageNode, USER } from './node-layer.ts';
import { writeArchive } from './oci.ts';
import type { Image } from './oci.ts';
import { ownPlatform, platformsNamed, treeOf } from './platforms.ts';
import type { Tree } from './platforms.ts';

const DIST = join(import.meta.dirname, '..', 'dist');
const NAME = `kubectl-mcp.dev/kubectl-mcp:${packageJson.version}`;
const CONFIG = {
  User: USER,
  Env: ['PATH=/usr/bin:/bin', 'NODE_ENV=production'],
  Entrypoint: [NODE],
  Cmd: ['/app/sidecar.cjs'],
  WorkingDir: '/',
  Labels: {
    'org.opencontainers.image.title': packageJson.name,
    'org.opencontainers.image.version': packageJson.version,
    'org.opencontainers.image.licenses': packageJson.license,
  },
};

const { values: options } = parseArgs({
  options: {
    platform: { type: 'string', default: ownPlatform().name },
    out: { type: 'string', default: join(DIST, 'kubectl-mcp.tar') },
    root: { type: 'string' },
  },
});
await main();

async function main(): Promise<void> {
  const trees = platformsNamed(options.platform).map(treeOf);
  await buildBundles();
  for (const { platform, runNode } of trees) await writeCompileCache(DIST, platform.nodeArch, runNode);
  if (options.root) for (const tree of trees) writeRoot(tree, options.root);
  else writeImage(trees, options.out);
}

function writeImage(trees: readonly Tree[], out: string): void {
  const images = trees.map((tree): Image => {
    const app = stagedLayer((directory) => stageApp(tree.platform, DIST, directory));
    return { architecture: tree.platform.architecture, layers: [nodeLayer(tree), app], config: CONFIG };
  });
  const { digest, size } = writeArchive(out, NAME, images);
  console.log(`${out}  ${NAME}@${digest}  ${mebibytes(size)}`);
  for (const { architecture, layers } of images) {
    const sizes = layers.map(
      ({ size: packed, unpackedSize }) => `${mebibytes(packed)} (${mebibytes(unpackedSize)} unpacked)`,
    );
    console.log(`  linux/${architecture}: Node and libraries ${sizes[0]}, kubectl-mcp ${sizes[1]}`);
  }
}

/** Each layer in a directory, by platform as container builders name it. */
function writeRoot(tree: Tree, root: string): void {
  const directory = join(root, tree.platform.name);
  rmSync(directory, { recursive: true, force: true });
  stageNode(tree, join(directory, 'node'));
  stageApp(tree.platform, DIST, join(directory, 'app'));
  console.log(directory);
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
