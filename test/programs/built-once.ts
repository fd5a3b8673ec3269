/** Programs in other languages that tests need: built once for the machine, outside of the checkout. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const CACHE = join(
  process.env['KUBECTL_MCP_CLUSTER_DIR'] ?? join(homedir(), '.cache', 'kubectl-mcp'),
  'corpus',
);

/**
 * @param moduleFile in the directory, with its sums beside it
 * @returns the program
 */
export function goProgram(
  directory: string,
  { moduleFile = 'go.mod', tags = '' }: { moduleFile?: string; tags?: string } = {},
): string {
  const sources = readdirSync(directory).filter((file) => file.endsWith('.go'));
  return made(
    `go${tags}`,
    [...sources, moduleFile, moduleFile.replace(/mod$/, 'sum')].map((file) => join(directory, file)),
    (target) => run('go', ['build', `-modfile=${moduleFile}`, `-tags=${tags}`, '-o', target, '.'], directory),
  );
}

/** @returns the interpreter of an environment that has these packages, and no others */
export function pythonWith(requirements: string): string {
  const environment = made('python', [requirements], (target) => {
    installVenv();
    run('python3', ['-m', 'venv', target]);
    run(join(target, 'bin', 'python'), ['-m', 'pip', 'install', '-q', '--no-deps', '-r', requirements]);
  });
  return join(environment, 'bin', 'python');
}

/**
 * @param directory with `package.json` and its lock
 * @returns a copy of it, with the packages
 */
export function npmPackages(directory: string): string {
  const files = ['package.json', 'package-lock.json'];
  return made(
    'npm',
    files.map((file) => join(directory, file)),
    (target) => {
      mkdirSync(target);
      for (const file of files) copyFileSync(join(directory, file), join(target, file));
      run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], target);
    },
  );
}

/** Debian has it in a package of its own. */
function installVenv(): void {
  if (spawnSync('python3', ['-c', 'import venv, ensurepip'], { stdio: 'ignore' }).status === 0) return;
  run('apt-get', [
    '-o',
    'DPkg::Lock::Timeout=300',
    '-q',
    '-y',
    '--no-install-recommends',
    'install',
    'python3-venv',
  ]);
}

/** Made anew when a source has changed; what was made halfway is not taken for whole. */
function made(kind: string, sources: readonly string[], make: (target: string) => void): string {
  const hash = createHash('sha256');
  for (const source of sources) hash.update(readFileSync(source)).update('\0');
  const target = join(CACHE, `${kind}-${hash.digest('hex').slice(0, 16)}`);
  const complete = `${target}.complete`;
  if (existsSync(complete)) return target;
  mkdirSync(CACHE, { recursive: true });
  rmSync(target, { recursive: true, force: true });
  make(target);
  mkdirSync(`${complete}.new`, { recursive: true });
  renameSync(`${complete}.new`, complete);
  return target;
}

function run(program: string, args: readonly string[], cwd = '.'): void {
  const { status, error } = spawnSync(program, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed`, { cause: error });
}
