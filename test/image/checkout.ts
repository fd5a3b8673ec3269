/** Checkouts of their own, so that a build is not of what another test or editor is writing meanwhile. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installPackages, missingPackages } from '../../manifests/packages.ts';
import type { Packages } from '../../manifests/packages.ts';

const ROOT = join(import.meta.dirname, '../..');
const SOURCES = ['manifests', 'plugin', 'sidecar', 'webhook', 'package.json', 'tsconfig.json', 'LICENSE'];

export type Checkout = { directory: string; image: (args: string[], options?: BuildOptions) => string };
type BuildOptions = { umask?: string; env?: Record<string, string> };

/** Goes away with the test. */
export function checkout(t: { after: (clean: () => void) => void }, from = ROOT): Checkout {
  const directory = mkdtempSync(join(tmpdir(), 'checkout-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  for (const source of SOURCES) cpSync(join(from, source), join(directory, source), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  return { directory, image: (args, options) => image(directory, args, options) };
}

/** Runs manifests/image.ts and returns what it printed. @throws with what it said when it fails */
function image(directory: string, args: string[], { umask = '022', env = {} }: BuildOptions = {}): string {
  const { status, stdout, stderr } = spawnSync(
    'sh',
    ['-c', 'umask "$1"; shift; exec "$@"', 'sh', umask, process.execPath, 'manifests/image.ts', ...args],
    { cwd: directory, encoding: 'utf8', env: { ...process.env, ...env } },
  );
  if (status !== 0) throw new Error(`image.ts ${args.join(' ')} ended with ${status}:\n${stderr}`);
  return stdout;
}

const blob = ({ digest }: { digest: string }): string => `blobs/${digest.replace(':', '/')}`;

/** What an archive's first image is, and its layers laid over each other in `out`. */
export function unpack(archive: string, out: string): { config: object; layers: number } {
  const blobs = `${out}.blobs`;
  for (const folder of [out, blobs]) mkdirSync(folder, { recursive: true });
  run('tar', '-xf', archive, '-C', blobs);
  const read = (path: string) => JSON.parse(readFileSync(join(blobs, path), 'utf8'));
  const manifest = read(blob(read('index.json').manifests[0]));
  for (const layer of manifest.layers) run('tar', '-xpf', join(blobs, blob(layer)), '-C', out);
  return { config: read(blob(manifest.config)).config, layers: manifest.layers.length };
}

/** Path, mode, owner and content of all that is in a directory. */
export function filesIn(directory: string): string[] {
  const found = run('find', directory, '-printf', '%P %y %m %U:%G %s\n').trim().split('\n');
  const sums = run('sh', '-c', 'cd "$1" && find . -type f -exec sha256sum {} +', 'sh', directory);
  return [
    ...found.filter((line) => !line.includes(' d ')),
    ...directoriesOf(found),
    ...sums.trim().split('\n'),
  ].toSorted();
}

/** Their size says something of the file system alone. */
const directoriesOf = (lines: string[]): string[] =>
  lines.filter((line) => line.includes(' d ')).map((line) => line.replace(/ \d+$/, ''));

export function run(file: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(file, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`${file} ${args.join(' ')}: ${error ?? stderr}`);
  return stdout;
}

/** Why a test that needs these packages cannot run here, or false. */
export function whyNot(packages: Packages): string | false {
  try {
    installPackages(missingPackages(packages));
    return false;
  } catch (error) {
    return `NOT TESTED: ${(error as Error).message}`;
  }
}
