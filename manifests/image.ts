/** `npm run image`: the one image of the project, as an OCI archive. */
import { copyFileSync, cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import packageJson from '../package.json' with { type: 'json' };
import { buildBundles } from './build.ts';
import { COMPILE_CACHE, writeCompileCache } from './compile-cache.ts';
import { NODE, nodeLayer, stagedLayer, USER } from './node-layer.ts';
import { writeArchive } from './oci.ts';

const ROOT = join(import.meta.dirname, '..');
const NAME = `kubectl-mcp.dev/kubectl-mcp:${packageJson.version}`;
const ARCHIVE = 'dist/kubectl-mcp.tar';
/** From dist to the image. */
const FILES = {
  'sidecar.cjs': 'app/sidecar.cjs',
  'proxy.cjs': 'app/proxy.cjs',
  'yaml.cjs': 'app/yaml.cjs',
  'webhook.mjs': 'app/webhook.mjs',
  'dial.mjs': 'app/dial.mjs',
  'THIRD-PARTY-NOTICES': 'usr/share/doc/kubectl-mcp/THIRD-PARTY-NOTICES',
};

const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

async function main(): Promise<void> {
  await buildBundles();
  await writeCompileCache(join(ROOT, 'dist'));
  const app = stagedLayer((directory) => {
    for (const folder of ['app', 'usr/share/doc/kubectl-mcp'])
      mkdirSync(join(directory, folder), { recursive: true });
    for (const [from, to] of Object.entries(FILES)) {
      copyFileSync(join(ROOT, 'dist', from), join(directory, to));
    }
    cpSync(join(ROOT, 'dist', COMPILE_CACHE), join(directory, 'app', COMPILE_CACHE), { recursive: true });
    copyFileSync(join(ROOT, 'LICENSE'), join(directory, 'usr/share/doc/kubectl-mcp/LICENSE'));
  });
  const layers = [nodeLayer(), app];
  const bytes = writeArchive(join(ROOT, ARCHIVE), NAME, layers, {
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
  });
  const unpacked = layers.reduce((sum, layer) => sum + layer.unpackedSize, 0);
  console.log(`${ARCHIVE}  ${NAME}  ${mebibytes(bytes)} compressed, ${mebibytes(unpacked)} unpacked`);
}

await main();
