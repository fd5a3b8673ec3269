/** Debian packages that building and the rig take their parts from. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** By package: a file that shows it is there, for asking dpkg takes longer than the rest of a warm start. */
export type Packages = Readonly<Record<string, string>>;

export const missingPackages = (packages: Packages): string[] =>
  Object.entries(packages)
    .filter(([, file]) => !existsSync(file))
    .map(([name]) => name);

const APT = ['apt-get', '-o', 'DPkg::Lock::Timeout=300'];

export function installPackages(names: readonly string[]): void {
  if (names.length === 0) return;
  // A source that does not answer is no obstacle as long as the packages are found.
  const updated = spawn([...APT, 'update']);
  const installed = spawn([...APT, 'install', '-y', '--no-install-recommends', ...names]);
  if (installed.status === 0) return;
  const said = `${updated.stderr}\n${installed.stderr}`.trim().split('\n');
  const unreached = said.find((line) => UNREACHED.test(line))?.replace(/^[EW]: /, '');
  if (unreached)
    throw new Error(`no network: packages ${names.join(', ')} cannot be fetched (${unreached.trim()})`);
  const end = said.slice(-10).join('\n  ');
  throw new Error(`apt-get install ${names.join(' ')} failed (this needs root on Debian 12):\n  ${end}`);
}

const UNREACHED =
  /could not (?:connect|resolve)|temporary failure|unable to connect|connection (?:failed|timed out)/i;

const spawn = ([file = '', ...args]: readonly string[]) =>
  spawnSync(file, args, { encoding: 'utf8', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
