/** Builds the bundles, and runs against them every suite that starts a program: `node test/bundles/run.ts [FILE…]`. */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { buildBundles } from '../../manifests/build.ts';
import { writeCompileCache } from '../../manifests/compile-cache.ts';

const ROOT = join(import.meta.dirname, '../..');
const SUITES = [
  'test/sidecar/{main,dial,drain}.test.ts',
  'test/sidecar/edge/tls.test.ts',
  'test/sidecar/wire/*.test.ts',
  'test/hostile/*.test.ts',
  'test/corpus/*.test.ts',
  'test/matrix/sample.test.ts',
  'test/conformance/*.test.ts',
  'test/webhook/container-command.test.ts',
  'test/webhook/process/*.test.ts',
  'test/plugin/program.test.ts',
  'test/plugin/{commands,create,install,kube}/*.test.ts',
];

await buildBundles();
await writeCompileCache(join(ROOT, 'dist'));
const asked = process.argv.slice(2);
const files = asked.length > 0 ? asked : globSync(SUITES, { cwd: ROOT }).toSorted();
const { status } = spawnSync(process.execPath, ['--test', ...files], {
  cwd: ROOT,
  env: { ...process.env, KUBECTL_MCP_TEST_BUNDLES: 'dist' },
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
