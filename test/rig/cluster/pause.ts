/** The image that holds a pod's namespaces, made from Debian's static busybox. */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { layerOf, writeArchive } from '../../../manifests/oci.ts';
import { ownPlatform } from '../../../manifests/platforms.ts';
import { PAUSE_IMAGE } from './layout.ts';
import type { Layout } from './layout.ts';

/** A shell that waits, so that it also reaps what a shared process namespace leaves to it. */
const WAIT = "trap 'exit 0' TERM; while :; do sleep 2147483 & wait $!; done";

export function writePauseImage(layout: Layout): string {
  const directory = mkdtempSync(join(tmpdir(), 'pause-'));
  try {
    mkdirSync(join(directory, 'bin'));
    cpSync('/bin/busybox', join(directory, 'bin', 'busybox'));
    const archive = join(layout.state, 'pause.tar');
    const layer = layerOf(directory, join(layout.state, 'layers'));
    const config = {
      User: '65535:65535',
      Env: ['PATH=/bin'],
      Entrypoint: ['/bin/busybox', 'sh', '-c', WAIT],
    };
    writeArchive(archive, PAUSE_IMAGE, [
      { architecture: ownPlatform().architecture, layers: [layer], config },
    ]);
    return archive;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
