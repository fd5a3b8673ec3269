/**
 * Files of the command line as the directories that the sidecar follows in a pod. What a file holds is copied, for one
 * version of a directory is whole and a file that an editor saves is not.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unwatchFile,
  watchFile,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readDirectory } from '../../sidecar/mounted/read-directory.ts';
import { CliError, usageError } from '../errors.ts';
import { FILE_FLAGS, FILE_KINDS, type FileFlag, type FileKind } from './file-flags.ts';
import type { Followed } from './local-config.ts';

export interface FollowedFiles {
  readonly files: Partial<Record<FileKind, Followed>>;
  /** Removes the copies. */
  close(): void;
}

const LOOK_MS = 300;
const NOTHING: ReadonlyMap<string, Buffer> = new Map();

/**
 * @param flags the command line's, by commander's names
 * @param parent where copies may lie; a file system in memory, when there is one
 * @param warn is told of files that cannot be read any more
 * @throws {CliError} when a file is at fault now
 */
export function followFiles(
  flags: Readonly<Record<string, unknown>>,
  { parent, warn }: { parent: string | undefined; warn: (text: string) => void },
): FollowedFiles {
  const files: Partial<Record<FileKind, Followed>> = {};
  const ends: (() => void)[] = [];
  // sudo keeps the variable, and a session that has ended leaves it behind.
  const base = parent !== undefined && existsSync(parent) ? parent : tmpdir();
  let root: string | undefined;
  const close = (): void => {
    for (const end of ends) end();
    if (root !== undefined) rmSync(root, { recursive: true, force: true });
  };
  try {
    for (const kind of FILE_KINDS) {
      const given = pathsOf(FILE_FLAGS[kind], flags);
      if (!given) continue;
      const { directory } = given.isDirectory
        ? { directory: resolve(given.paths[0]!) }
        : copied(
            FILE_FLAGS[kind],
            given.paths,
            join((root ??= mkdtempSync(join(base, 'kubectl-mcp-'))), kind),
          );
      files[kind] = { source: `file/${given.paths.join(',')}`, directory };
    }
  } catch (error) {
    close();
    throw error;
  }
  return { files, close };

  function copied(flag: FileFlag, paths: readonly string[], directory: string): { directory: string } {
    mkdirSync(directory, { mode: 0o700 });
    const put = swapper(directory);
    put(readNow(flag, paths));
    const look = (): void => {
      try {
        put(flag.split(paths.map((path) => readFileSync(path))));
      } catch (error) {
        // That nobody is let in then, the sidecar says.
        const meanwhile = flag.failsClosed ? '' : '; what it held stays in force';
        warn(`${nameOf(flag, paths)}: ${inWords(error)}${meanwhile}`);
        if (flag.failsClosed) put(NOTHING);
      }
    };
    // What a shell substitutes (`<(…)`) can be read once.
    if (!paths.every((path) => statSync(path).isFile())) return { directory };
    for (const path of paths) watchFile(path, { interval: LOOK_MS, persistent: false }, look);
    ends.push(() => paths.forEach((path) => unwatchFile(path, look)));
    return { directory };
  }
}

/** Undefined where the flag is not given. */
function pathsOf(
  flag: FileFlag,
  flags: Readonly<Record<string, unknown>>,
): { readonly paths: readonly string[]; readonly isDirectory: boolean } | undefined {
  const paths = flag.properties.map((each) => flags[each]).filter((each) => typeof each === 'string');
  if (paths.length === 0) return undefined;
  if (paths.length < flag.properties.length) throw usageError(`${flag.flags.join(' and ')} belong together`);
  const isDirectory = statSync(paths[0]!, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (!isDirectory) return { paths, isDirectory };
  if (!flag.directory) throw new CliError(`${nameOf(flag, paths)}: is a directory`);
  const reading = readDirectory(resolve(paths[0]!));
  refuseFaults(flag, paths, 'problem' in reading ? [reading.problem] : flag.faults(reading.files));
  return { paths, isDirectory };
}

function readNow(flag: FileFlag, paths: readonly string[]): ReadonlyMap<string, Buffer> {
  try {
    const files = flag.split(paths.map((path) => readFileSync(path)));
    refuseFaults(flag, paths, flag.faults(files));
    return files;
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`${nameOf(flag, paths)}: ${inWords(error)}`, { cause: error });
  }
}

function refuseFaults(flag: FileFlag, paths: readonly string[], faults: readonly string[]): void {
  const name = nameOf(flag, paths);
  if (faults.length > 0) throw new CliError(`${name}: ${faults.join(`\n${name}: `)}`);
}

const nameOf = ({ flags }: FileFlag, paths: readonly string[]): string => `${flags[0]} ${paths.join(', ')}`;

function inWords(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'is not there';
  return code === undefined ? message : `cannot be read: ${code}`;
}

/** Writes versions as the kubelet does (see sidecar/mounted/read-directory.ts): `..data` leads to the one in force. */
function swapper(directory: string): (files: ReadonlyMap<string, Buffer>) => void {
  let version = 0;
  return (files) => {
    const next = `..${++version}`;
    mkdirSync(join(directory, next), { mode: 0o700 });
    for (const [name, content] of files) writeFileSync(join(directory, next, name), content, { mode: 0o600 });
    symlinkSync(next, join(directory, '..next'));
    renameSync(join(directory, '..next'), join(directory, '..data'));
    rmSync(join(directory, `..${version - 1}`), { recursive: true, force: true });
  };
}
