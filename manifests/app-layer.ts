/** The files of the image that are ours, from the bundles. */
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheName, COMPILE_CACHE } from './first-file.ts';
import { settleModes } from './modes.ts';
import type { Platform } from './platforms.ts';
import { supervisorFor } from './supervisor.ts';

/** An init container copies it to where servers of stdio find it. */
const SUPERVISOR = 'app/supervise';
const DOC = 'usr/share/doc/kubectl-mcp';
/** From dist to the image. */
const FILES: Readonly<Record<string, string>> = {
  'sidecar.cjs': 'app/sidecar.cjs',
  'proxy.cjs': 'app/proxy.cjs',
  'yaml.cjs': 'app/yaml.cjs',
  'cel-js.cjs': 'app/cel-js.cjs',
  'webhook.mjs': 'app/webhook.mjs',
  'dial.mjs': 'app/dial.mjs',
  'THIRD-PARTY-NOTICES': `${DOC}/THIRD-PARTY-NOTICES`,
  '../LICENSE': `${DOC}/LICENSE`,
};

export function stageApp(platform: Platform, dist: string, directory: string): void {
  const { nodeArch } = platform;
  const cache = join(COMPILE_CACHE, cacheName(readFileSync(join(dist, 'proxy.cjs')), nodeArch));
  for (const [from, to] of Object.entries({ ...FILES, [cache]: join('app', cache) })) {
    mkdirSync(dirname(join(directory, to)), { recursive: true });
    cpSync(join(dist, from), join(directory, to));
  }
  cpSync(supervisorFor(platform), join(directory, SUPERVISOR));
  settleModes(directory);
}
