/** Named pipes in a directory that a server writes to: nothing else is ever opened there, and no open waits. */
import { closeSync, constants, fstatSync, openSync, type Stats } from 'node:fs';

/** Linux's, on every architecture that Node runs on; Node has no name for it. Such a descriptor reads and writes nothing. */
const O_PATH = 0o10000000;
const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

/** Something else has the name of a pipe or of a directory: the server has put it there. */
export class NotAPipeError extends Error {
  constructor(name: string, found: string) {
    super(`${name} is ${found}, not what the supervisor has made there`);
    this.name = 'NotAPipeError';
  }
}

/** @returns a descriptor that stays with this directory, whatever its name comes to mean */
export function openDirectory(path: string): number {
  try {
    return openSync(path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    if (codeOf(error) === 'ENOTDIR' || codeOf(error) === 'ELOOP')
      throw new NotAPipeError(path.split('/').at(-1) ?? path, 'no directory');
    throw error;
  }
}

export const inDirectory = (directory: number, name: string): string => `/proc/self/fd/${directory}/${name}`;

/**
 * What the name stands for is looked at before it is opened, and it is this that is opened then, so that no swap comes
 * between.
 * @throws NotAPipeError, or the system's error: ENXIO when a pipe that is to be written has no reader
 */
export function openPipe(directory: number, name: string, to: 'read' | 'write'): number {
  const looked = openSync(inDirectory(directory, name), O_PATH | O_NOFOLLOW);
  try {
    const found = fstatSync(looked);
    if (!found.isFIFO()) throw new NotAPipeError(name, kindOf(found));
    return openSync(`/proc/self/fd/${looked}`, (to === 'read' ? O_RDONLY : O_WRONLY) | O_NONBLOCK);
  } finally {
    closeSync(looked);
  }
}

export const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';

function kindOf(found: Stats): string {
  if (found.isSymbolicLink()) return 'a symbolic link';
  if (found.isDirectory()) return 'a directory';
  if (found.isSocket()) return 'a socket';
  if (found.isCharacterDevice() || found.isBlockDevice()) return 'a device';
  return 'a regular file';
}
