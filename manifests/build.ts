/** `npm run build`: the bundles that the image, the npm package and kubectl run. */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import type { Metafile, Plugin } from 'esbuild';
import { firstFile } from './first-file.ts';
import { noticesOf } from './notices.ts';

type Bundle = {
  entry: string;
  out: string;
  forbidden?: readonly string[];
  /** Packages that lie in files of their own beside the bundle, which asks for them when they are needed. */
  apart?: readonly string[];
  program?: boolean;
};

const ROOT = join(import.meta.dirname, '..');
/** A proxy that stands in every pod carries no web framework, no Kubernetes client and no terminal interface. */
const NOT_IN_PODS = ['express', '@kubernetes/client-node', 'ink'];
const BUNDLES: readonly Bundle[] = [
  // Only a policy file needs the one, and its rules the other; in every pod they would be 2 and 7 MB resident.
  {
    entry: 'sidecar/main.ts',
    out: 'dist/proxy.cjs',
    forbidden: NOT_IN_PODS,
    apart: ['yaml', '@marcbachmann/cel-js'],
  },
  { entry: 'yaml', out: 'dist/yaml.cjs' },
  { entry: '@marcbachmann/cel-js', out: 'dist/cel-js.cjs' },
  { entry: 'sidecar/dial.ts', out: 'dist/dial.mjs', forbidden: NOT_IN_PODS },
  { entry: 'webhook/main.ts', out: 'dist/webhook.mjs', forbidden: ['ink'] },
  { entry: 'plugin/main.ts', out: 'dist/bin/kubectl-mcp', program: true },
];

/** Packages of CommonJS ask for Node's modules by `require`, which an ES module lacks. */
const REQUIRE = [
  "import { createRequire as __createRequire } from 'node:module';",
  'const require = __createRequire(import.meta.url);',
];
/** The shebang takes whatever Node is first on the PATH. */
const VERSION_CHECK = [
  '{',
  '  const [major, minor] = process.versions.node.split(".").map(Number);',
  '  if (major < 24 || (major === 24 && minor < 12)) {',
  '    console.error(`error: kubectl-mcp needs Node.js 24.12 or newer; the node on the PATH is ${process.versions.node}`);',
  '    process.exit(1);',
  '  }',
  '}',
];

const COMMON = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: 'node',
  target: 'node24.12',
  // Names stay: a stack trace in a log is read by people.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
} as const;

/** Throws when a bundle holds what it must not. */
export async function buildBundles(): Promise<void> {
  for (const folder of ['bin', 'lib']) rmSync(join(ROOT, 'dist', folder), { recursive: true, force: true });
  mkdirSync(join(ROOT, 'dist'), { recursive: true });
  const metafiles: Metafile[] = [];
  for (const bundle of BUNDLES) {
    const metafile = await make(bundle);
    metafiles.push(metafile);
    refuse(bundle, metafile);
    const bytes = Object.values(metafile.outputs).reduce((sum, each) => sum + each.bytes, 0);
    console.log(`${bundle.out.padEnd(24)}${(bytes / 1024).toFixed(0).padStart(6)} KiB`);
  }
  writeFileSync(join(ROOT, 'dist', 'sidecar.cjs'), firstFile(readFileSync(join(ROOT, 'dist', 'proxy.cjs'))));
  writeFileSync(join(ROOT, 'dist', 'THIRD-PARTY-NOTICES'), noticesOf(ROOT, metafiles));
}

async function make(bundle: Bundle): Promise<Metafile> {
  if (bundle.program) return makeProgram(bundle);
  const isCommonJs = bundle.out.endsWith('.cjs');
  const { metafile } = await build({
    ...COMMON,
    entryPoints: [bundle.entry],
    outfile: bundle.out,
    // Node's loader of ES modules takes 8 MB resident, in every pod; CommonJS does without it.
    format: isCommonJs ? 'cjs' : 'esm',
    // An import() of Node's own modules becomes a require, too.
    supported: { 'dynamic-import': !isCommonJs },
    banner: { js: isCommonJs ? '' : REQUIRE.join('\n') },
    plugins: (bundle.apart ?? []).map(apart),
  });
  return metafile;
}

const apart = (name: string): Plugin => ({
  name: 'apart',
  setup: ({ onResolve }) =>
    onResolve({ filter: new RegExp(`^${name}$`) }, () => ({
      path: `./${basename(name)}.cjs`,
      external: true,
    })),
});

/** In chunks under dist/lib: a command reads what it needs, and the Kubernetes client alone is 6 MB of source. */
async function makeProgram({ entry, out }: Bundle): Promise<Metafile> {
  const { metafile } = await build({
    ...COMMON,
    entryPoints: { [out.replace('dist/', '')]: entry },
    outdir: 'dist',
    splitting: true,
    chunkNames: 'lib/[name]-[hash]',
    outExtension: { '.js': '.mjs' },
    format: 'esm',
    banner: { js: REQUIRE.join('\n') },
    // plugin/install/manifest.ts reads the file itself when the source runs.
    define: { INSTALL_YAML: JSON.stringify(installManifest()) },
  });
  const built = join(ROOT, `${out}.mjs`);
  writeFileSync(
    join(ROOT, out),
    ['#!/usr/bin/env node', ...VERSION_CHECK, readFileSync(built, 'utf8')].join('\n'),
  );
  chmodSync(join(ROOT, out), 0o755);
  rmSync(built);
  return metafile;
}

function installManifest(): string {
  const path = join(ROOT, 'manifests', 'install.yaml');
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function refuse({ out, forbidden = [] }: Bundle, { inputs }: Metafile): void {
  const found = forbidden.filter((name) =>
    Object.keys(inputs).some((path) => path.includes(`node_modules/${name}/`)),
  );
  if (found.length > 0)
    throw new Error(`${out} must not contain ${found.join(', ')}: see the imports of its source`);
}

if (import.meta.main) await buildBundles();
