/** What an image takes of another platform: Debian's packages and Node, fetched once, installed nowhere. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import nodePackage from 'node/package.json' with { type: 'json' };
import { installPackages, missingPackages } from './packages.ts';
import type { Platform } from './platforms.ts';

/** `gcc-12-base` holds the licence of the two before it. */
const DEBIAN = ['busybox-static', 'libc6', 'libstdc++6', 'libgcc-s1', 'gcc-12-base', 'libatomic1'];

/** Renewed when Node or the machine's own packages are, so that the platforms of an image are of one age. */
export function foreignTree(platform: Platform): { root: string; node: string } {
  installPackages(
    missingPackages({
      [`binutils-${platform.triplet.replaceAll('_', '-')}`]: `/usr/bin/${platform.triplet}-strip`,
      'busybox-static': '/usr/share/doc/busybox-static/copyright',
      'qemu-user-static': `/usr/bin/${platform.emulator}`,
    }),
  );
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'kubectl-mcp', 'platforms');
  const directory = join(cache, `${platform.architecture}-${ageOfOwn()}`);
  const tree = { root: join(directory, 'root'), node: join(directory, 'package', 'bin', 'node') };
  if (existsSync(directory)) return tree;
  const made = `${directory}.${process.pid}`;
  try {
    fetchDebian(platform, made);
    fetchNode(platform, made);
    renameSync(made, directory);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
  return tree;
}

function ageOfOwn(): string {
  const own = execFileSync('dpkg-query', ['-W', '-f', '${Package}=${Version} ', ...DEBIAN], {
    encoding: 'utf8',
  });
  return createHash('sha256').update(`${own}node=${nodePackage.version}`).digest('hex').slice(0, 12);
}

/** With lists and a status of their own: the machine's dpkg learns of no other architecture. */
function fetchDebian({ architecture }: Platform, directory: string): void {
  const apt = join(directory, 'apt');
  for (const folder of ['state/lists/partial', 'cache/archives/partial', 'packages'])
    mkdirSync(join(apt, folder), { recursive: true });
  writeFileSync(join(apt, 'state/status'), '');
  const options = {
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    'APT::Sandbox::User': 'root',
    'Dir::State': join(apt, 'state'),
    'Dir::State::status': join(apt, 'state/status'),
    'Dir::Cache': join(apt, 'cache'),
  };
  const flags = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const get = (...args: string[]): Buffer =>
    execFileSync('apt-get', ['-qq', ...flags, ...args], {
      cwd: join(apt, 'packages'),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  // One of the machine's sources may lack this architecture, or not answer; what is missing then says the next.
  try {
    get('update');
  } catch {}
  get('download', ...DEBIAN);
  for (const each of globSync(join(apt, 'packages', '*.deb')))
    execFileSync('dpkg-deb', ['--extract', each, join(directory, 'root')]);
  rmSync(apt, { recursive: true });
}

/** The packages that the npm package `node` chooses from. */
function fetchNode({ nodeArch }: Platform, directory: string): void {
  const name = `node-linux-${nodeArch}@${nodePackage.version}`;
  execFileSync('npm', ['pack', '--silent', '--pack-destination', directory, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [archive = ''] = globSync(join(directory, '*.tgz'));
  execFileSync('tar', ['-xzf', archive, '-C', directory, 'package/bin/node', 'package/LICENSE']);
  rmSync(archive);
}
