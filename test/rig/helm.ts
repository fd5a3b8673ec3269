/** Helm, built from the Go module beside this file, once for the machine. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { layoutOf } from './cluster/layout.ts';

const MODULE = join(import.meta.dirname, 'helm');

/** @returns where the program is, which takes minutes the first time. */
export function buildHelm(): string {
  const hash = createHash('sha256')
    .update(readFileSync(join(MODULE, 'go.sum')))
    .digest('hex');
  const directory = join(layoutOf(process.env).root, `helm-${hash.slice(0, 16)}`);
  const program = join(directory, 'helm');
  if (existsSync(program)) return program;
  mkdirSync(directory, { recursive: true });
  console.error('building helm …');
  // Renamed into place when whole.
  const fresh = `${program}.${process.pid}`;
  const env = {
    ...process.env,
    // Go's own installer puts it where a shell without a profile does not look.
    PATH: `${process.env['PATH'] ?? ''}:/usr/local/go/bin`,
    CGO_ENABLED: '0',
    GOFLAGS: '-buildvcs=false',
    GOWORK: 'off',
  };
  const build = ['build', '-C', MODULE, '-ldflags', '-s -w', '-o', fresh, 'helm.sh/helm/v3/cmd/helm'];
  execFileSync('go', build, { env, stdio: ['ignore', 2, 'inherit'] });
  renameSync(fresh, program);
  return program;
}
