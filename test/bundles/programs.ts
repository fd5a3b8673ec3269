/** What tests start: the sources, or with KUBECTL_MCP_TEST_BUNDLES=DIRECTORY the bundles in it. */
import { join, resolve } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const PROGRAMS = {
  sidecar: ['sidecar/main.ts', 'sidecar.cjs'],
  dial: ['sidecar/dial.ts', 'dial.mjs'],
  webhook: ['webhook/main.ts', 'webhook.mjs'],
  plugin: ['plugin/main.ts', 'bin/kubectl-mcp'],
} as const;

const directory = process.env['KUBECTL_MCP_TEST_BUNDLES'];
/** Suites that run the parts in their own process then start programs instead. */
export const TESTS_BUNDLES = directory !== undefined;

export function programOf(name: keyof typeof PROGRAMS): string {
  const [source, bundle] = PROGRAMS[name];
  return directory === undefined ? join(ROOT, source) : resolve(ROOT, directory, bundle);
}
