/**
 * Images of the servers under test, made as the project's own is: `node test/images/build.ts [NAME…]`.
 *
 * They know nothing of us: what a user would have deployed before.
 */
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { NODE, nodeLayer, stagedLayer, USER } from '../../manifests/node-layer.ts';
import { writeArchive } from '../../manifests/oci.ts';
import { ownPlatform, treeOf } from '../../manifests/platforms.ts';
import { packageDirectories } from './package-files.ts';

type Recipe = { command: readonly string[]; port: number } & ({ npm: string } | { source: string });

const ROOT = join(import.meta.dirname, '..', '..');
const OUT = join('dist', 'test-images');
const EVERYTHING = '@modelcontextprotocol/server-everything';

/** `npm`: the package as it was installed. `source`: one file of ours, bundled to /app/server.mjs. */
export const RECIPES: Readonly<Record<string, Recipe>> = {
  everything: {
    npm: EVERYTHING,
    command: [`/app/node_modules/${EVERYTHING}/dist/index.js`, 'streamableHttp'],
    port: 3001,
  },
  'conformance-server': { source: 'test/conformance/server.ts', command: ['/app/server.mjs'], port: 3000 },
};

export const imageName = (name: string): string => `kubectl-mcp.dev/test/${name}:1`;
export const archiveOf = (name: string): string => join(ROOT, OUT, `${name}.tar`);

/** Returns the path of the archive. */
export async function buildTestImage(name: string): Promise<string> {
  const recipe = RECIPES[name];
  if (recipe === undefined)
    throw new Error(`no test image ${name}; there are ${Object.keys(RECIPES).join(', ')}`);
  mkdirSync(join(ROOT, OUT), { recursive: true });
  const bundle = 'source' in recipe ? await bundleOf(name, recipe.source) : null;
  const app = stagedLayer((directory) => {
    const copy = (from: string, to: string): void => {
      mkdirSync(dirname(join(directory, 'app', to)), { recursive: true });
      // A package's own nested ones come by themselves when something needs them.
      const filter = (path: string): boolean => !path.slice(from.length).includes('/node_modules');
      cpSync(from, join(directory, 'app', to), { recursive: true, filter });
    };
    if (bundle !== null) copy(bundle, 'server.mjs');
    if ('npm' in recipe) {
      for (const each of packageDirectories(ROOT, recipe.npm)) copy(join(ROOT, each), each);
    }
  });
  const tree = treeOf(ownPlatform());
  const config = {
    User: USER,
    Env: ['PATH=/usr/bin:/bin', `PORT=${recipe.port}`],
    Entrypoint: [NODE],
    Cmd: recipe.command,
    WorkingDir: '/app',
    ExposedPorts: { [`${recipe.port}/tcp`]: {} },
  };
  const { architecture } = tree.platform;
  writeArchive(archiveOf(name), imageName(name), [{ architecture, layers: [nodeLayer(tree), app], config }]);
  return archiveOf(name);
}

async function bundleOf(name: string, source: string): Promise<string> {
  const outfile = join(ROOT, OUT, `${name}.mjs`);
  const banner =
    "import { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);";
  await build({
    absWorkingDir: ROOT,
    entryPoints: [source],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24.12',
    banner: { js: banner },
    logLevel: 'warning',
  });
  return outfile;
}

async function main(): Promise<void> {
  const asked = process.argv.slice(2);
  for (const name of asked.length > 0 ? asked : Object.keys(RECIPES)) {
    const recipe = RECIPES[name];
    if (recipe && 'source' in recipe && !existsSync(join(ROOT, recipe.source))) {
      console.error(`${name}: skipped, ${recipe.source} does not exist yet`);
      continue;
    }
    const archive = await buildTestImage(name);
    console.log(`${imageName(name)}  ${archive}`);
  }
}

if (import.meta.main) await main();
