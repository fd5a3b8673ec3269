/**
 * Images of the servers under test, made as the project's own is: `node test/images/build.ts [NAME…]`.
 *
 * They know nothing of us: what a user would have deployed before.
 */
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { NODE, nodeLayer, stagedLayer, USER } from '../../manifests/node-layer.ts';
import { writeArchive } from '../../manifests/oci.ts';
import type { Layer } from '../../manifests/oci.ts';
import { ownPlatform, treeOf } from '../../manifests/platforms.ts';
import { npmPackages, pythonWith } from '../programs/built-once.ts';
import { packageDirectories } from './package-files.ts';
import { PYTHON, PYTHON_ENV, stagePython } from './python-layer.ts';
import { RECIPES, type Recipe } from './recipes.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const OUT = join('dist', 'test-images');

export const imageName = (name: string): string => `kubectl-mcp.dev/test/${name}:1`;
export const archiveOf = (name: string): string => join(ROOT, OUT, `${name}.tar`);

/** Returns the path of the archive. */
export async function buildTestImage(name: string): Promise<string> {
  const recipe = RECIPES[name];
  if (recipe === undefined)
    throw new Error(`no test image ${name}; there are ${Object.keys(RECIPES).join(', ')}`);
  mkdirSync(join(ROOT, OUT), { recursive: true });
  const tree = treeOf(ownPlatform());
  const python = 'requirements' in recipe;
  const layers = python ? [pythonLayer(recipe)] : [nodeLayer(tree), await appLayer(name, recipe)];
  const port = 'port' in recipe ? recipe.port : null;
  const config = {
    User: USER,
    Env: ['PATH=/usr/bin:/bin', ...(port === null ? [] : [`PORT=${port}`]), ...(python ? PYTHON_ENV : [])],
    Entrypoint: [python ? PYTHON : NODE],
    Cmd: recipe.command,
    WorkingDir: '/app',
    ...(port === null ? {} : { ExposedPorts: { [`${port}/tcp`]: {} } }),
  };
  writeArchive(archiveOf(name), imageName(name), [
    { architecture: tree.platform.architecture, layers, config },
  ]);
  return archiveOf(name);
}

const pythonLayer = ({ requirements }: Recipe & { requirements: string }): Layer =>
  stagedLayer((directory) => stagePython(pythonWith(join(ROOT, requirements)), directory));

async function appLayer(name: string, recipe: Exclude<Recipe, { requirements: string }>): Promise<Layer> {
  const bundle = 'source' in recipe ? await bundleOf(name, recipe.source) : null;
  return stagedLayer((directory) => {
    const copy = (from: string, to: string, nested: boolean): void => {
      mkdirSync(dirname(join(directory, 'app', to)), { recursive: true });
      // A package's own nested ones come by themselves when something needs them.
      const filter = (path: string): boolean => nested || !path.slice(from.length).includes('/node_modules');
      cpSync(from, join(directory, 'app', to), { recursive: true, filter });
    };
    if (bundle !== null) copy(bundle, 'server.mjs', false);
    if ('npm' in recipe) {
      for (const each of packageDirectories(ROOT, recipe.npm)) copy(join(ROOT, each), each, false);
    }
    if ('npmLock' in recipe) {
      copy(join(npmPackages(join(ROOT, recipe.npmLock)), 'node_modules'), 'node_modules', true);
      // OCI image-spec, layer.md: takes away what the layer below has.
      mkdirSync(join(directory, 'bin'));
      writeFileSync(join(directory, 'bin', '.wh.busybox'), '');
    }
  });
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
