/** The supervisor of stdio servers, compiled for a platform: one static file, for it runs in images of others. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, globSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { installPackages, missingPackages } from './packages.ts';
import type { Platform } from './platforms.ts';

const ROOT = join(import.meta.dirname, '..');
const SOURCES = join(ROOT, 'sidecar', 'upstream', 'stdio', 'supervisor');
/** No path and no build id get in: the same compiler makes the same bytes. */
const FLAGS =
  '-std=gnu17 -O2 -Wall -Wextra -D_FORTIFY_SOURCE=2 -fstack-protector-strong -static -s -Wl,--build-id=none';
/** A fault in memory or arithmetic ends such a program, and is told. */
export const SANITIZED =
  '-std=gnu17 -O1 -g -Wall -Wextra -Wconversion -Wno-sign-conversion -Werror -fsanitize=address,undefined -fno-sanitize-recover=all';

/** @returns its file, made anew when the source or the compiler is another */
export function supervisorFor({ architecture, nodeArch, triplet }: Platform, flags = FLAGS): string {
  const own = nodeArch === process.arch;
  const compiler = own ? 'gcc' : `${triplet}-gcc`;
  installPackages(
    missingPackages(
      own
        ? { gcc: '/usr/bin/gcc', 'libc6-dev': `/usr/lib/${triplet}/libc.a` }
        : {
            [`gcc-${triplet.replaceAll('_', '-')}`]: `/usr/bin/${compiler}`,
            [`libc6-dev-${architecture}-cross`]: `/usr/${triplet}/lib/libc.a`,
          },
    ),
  );
  const files = globSync('*.[ch]', { cwd: SOURCES }).toSorted();
  const hash = createHash('sha256')
    .update(execFileSync(compiler, ['--version']))
    .update(flags);
  for (const file of files) hash.update(readFileSync(join(SOURCES, file)));
  const directory = join(ROOT, 'dist', '.supervisor');
  const made = join(directory, `${architecture}-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(made)) return made;
  mkdirSync(directory, { recursive: true });
  const part = `${made}.${process.pid}`;
  const sources = files.filter((file) => file.endsWith('.c')).map((file) => join(SOURCES, file));
  execFileSync(compiler, [...flags.split(' '), ...sources, '-o', part], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  chmodSync(part, 0o755);
  renameSync(part, made);
  return made;
}
