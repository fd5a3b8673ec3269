import { hash } from 'node:crypto';
import { sourceInWords } from '../mounts.ts';
import { firstFaults } from './faults.ts';
import type { DirectoryReading } from './read-directory.ts';
import { watchDirectory } from './watch-directory.ts';

/** What is in force of a file that is followed, and what is wrong with what should be. */
export interface RevisionState<T> {
  /** Short SHA-256 over the bytes of the file in force; undefined until there has been a good one. */
  readonly revision?: string;
  readonly read?: T;
  /** Of the file as it is now; it is not in force then. */
  readonly faults: readonly string[];
}

export interface WatchedRevision {
  revision(): string | undefined;
  /** For the owner of the pod: names the ConfigMap, what is wrong, and what is in force meanwhile. */
  problem(): string | undefined;
  close(): void;
}

/** The file of this name, and how it is read. */
export interface RevisionFile<T> {
  readonly key: string;
  read(text: string): Read<T> | Promise<Read<T>>;
}

type Read<T> = T | { readonly faults: readonly string[] };

const REVISION_CHARS = 12;

/**
 * Follows one file of a directory. A version with a fault changes nothing: the one before stays in force. As long as
 * there was no good one, nothing is.
 * @param changed is told of each version, good or not, the first one included, in the order in which they came
 */
export async function watchRevision<T extends object>(
  { source, directory }: { source: string; directory: string },
  file: RevisionFile<T>,
  changed: (state: RevisionState<T>) => void,
): Promise<WatchedRevision> {
  let state: RevisionState<T> = { faults: [] };
  let taken: Promise<void> = Promise.resolve();

  async function take(reading: DirectoryReading): Promise<void> {
    // What cannot be judged holds up no later version.
    const next = await judge(reading, file).catch((error: Error) => ({ faults: [error.message] }));
    state = next.faults.length > 0 ? { ...state, faults: next.faults } : next;
    changed(state);
  }

  const watched = await watchDirectory(directory, (reading) => {
    taken = taken.then(() => take(reading));
  });
  await taken;
  return {
    revision: () => state.revision,
    problem() {
      const { revision, faults } = state;
      if (faults.length === 0) return undefined;
      const meanwhile = revision ? `revision ${revision} stays in force` : 'all calls are refused';
      return `${sourceInWords(source)}: ${faults.join('; ')} (${meanwhile})`;
    },
    close: () => watched.close(),
  };
}

async function judge<T extends object>(
  reading: DirectoryReading,
  file: RevisionFile<T>,
): Promise<RevisionState<T>> {
  const { key } = file;
  if ('problem' in reading) return { faults: [reading.problem] };
  const content = reading.files.get(key);
  if (!content) return { faults: [`has no key ${key}`] };
  const read = await file.read(content.toString('utf8'));
  if ('faults' in read) return { faults: firstFaults(read.faults.map((fault) => `${key}: ${fault}`)) };
  return { revision: hash('sha256', content, 'hex').slice(0, REVISION_CHARS), read, faults: [] };
}
