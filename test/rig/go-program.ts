/** Programs of other projects, built from the Go modules beside this file, once for the machine. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { layoutOf } from './cluster/layout.ts';

const PACKAGES = {
  'cert-manager': '.',
  coredns: '.',
  helm: 'helm.sh/helm/v3/cmd/helm',
  kwok: 'sigs.k8s.io/kwok/cmd/kwok',
} as const;
export type GoProgram = keyof typeof PACKAGES;

/** @returns where the program is, or will be once it is built. */
export function pathOf(name: GoProgram): string {
  const hash = createHash('sha256');
  for (const file of ['go.sum', 'main.go'].map((each) => join(import.meta.dirname, name, each))) {
    if (existsSync(file)) hash.update(readFileSync(file));
  }
  return join(layoutOf(process.env).root, `${name}-${hash.digest('hex').slice(0, 16)}`, name);
}

/** Takes minutes the first time. @returns where the program is. */
export function buildProgram(name: GoProgram): string {
  const program = pathOf(name);
  if (existsSync(program)) return program;
  mkdirSync(join(program, '..'), { recursive: true });
  // Renamed into place when whole.
  const fresh = `${program}.${process.pid}`;
  goBuild(join(import.meta.dirname, name), ['-ldflags', '-s -w', '-o', fresh, PACKAGES[name]]);
  renameSync(fresh, program);
  return program;
}

/** @throws in one line, where the fault is one that the machine's user can mend. */
export function goBuild(module: string, args: readonly string[]): void {
  const env = {
    ...process.env,
    // Go's own installer puts it where a shell without a profile does not look.
    PATH: `${process.env['PATH'] ?? ''}:/usr/local/go/bin`,
    CGO_ENABLED: '0',
    GOFLAGS: '-buildvcs=false',
    GOWORK: 'off',
  };
  const ran = spawnSync('go', ['build', '-C', module, ...args], {
    env,
    stdio: ['ignore', 2, 'pipe'],
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (ran.error) throw new Error('go is not on PATH: the rig is built from Go modules (Go 1.24 or newer)');
  if (ran.status !== 0) throw new Error(goFault(ran.stderr));
}

/** What Go says where a proxy or a host behind it is not reached. */
const UNREACHED =
  /dial tcp|no such host|i\/o timeout|TLS handshake|connection re(?:fused|set)|GOPROXY=off|proxyconnect/;

/** Of all that `go build` wrote, what a person has to know. */
export function goFault(stderr: string): string {
  const lines = stderr
    .trim()
    .split('\n')
    .filter((line) => !line.startsWith('go: downloading'));
  const unreached = lines.find((line) => UNREACHED.test(line));
  if (unreached === undefined) return `go build failed:\n  ${lines.slice(-10).join('\n  ')}`;
  return `no network: Go modules cannot be fetched (${unreached.trim()}); see go env GOPROXY`;
}
