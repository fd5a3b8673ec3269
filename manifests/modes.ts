/** The same modes for whoever builds: a umask, or a checkout's own, are no part of an image. */
import { chmodSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

export function settleModes(directory: string): void {
  chmodSync(directory, 0o755);
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isSymbolicLink()) continue;
    const isOpened = entry.isDirectory() || (statSync(path).mode & 0o100) !== 0;
    chmodSync(path, isOpened ? 0o755 : 0o644);
  }
}
