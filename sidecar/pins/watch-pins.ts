import { hash } from 'node:crypto';
import type { DirectoryReading } from '../mounted/read-directory.ts';
import { firstFaults } from '../mounted/faults.ts';
import { watchDirectory } from '../mounted/watch-directory.ts';
import { sourceInWords } from '../mounts.ts';
import { PINS_KEY, readPins, type Pins } from './pins-schema.ts';

export interface PinsState {
  /** In force; undefined until there has been a good file. */
  readonly pins?: Pins;
  /** Short SHA-256 over the bytes of the file in force. */
  readonly revision?: string;
  /** Of the file as it is now; it is not in force then. */
  readonly faults: readonly string[];
}

export interface WatchedPins {
  state(): PinsState;
  /** For the owner of the pod: names the ConfigMap, what is wrong, and what is in force meanwhile. */
  problem(): string | undefined;
  close(): void;
}

const REVISION_CHARS = 12;

/**
 * Follows the file of pins as that of a policy: one with a fault changes nothing, and while there was no good one
 * nothing is let through.
 * @param changed is told of each file, good or not, the first one included
 */
export async function watchPins(
  { source, directory }: { source: string; directory: string },
  changed: (state: PinsState) => void,
): Promise<WatchedPins> {
  let state: PinsState = { faults: [] };
  const watched = await watchDirectory(directory, (reading) => {
    const next = read(reading);
    state = next.faults.length > 0 ? { ...state, faults: next.faults } : next;
    changed(state);
  });
  return {
    state: () => state,
    problem() {
      const { revision, faults } = state;
      if (faults.length === 0) return undefined;
      const meanwhile = revision ? `revision ${revision} stays in force` : 'all calls are refused';
      return `${sourceInWords(source)}: ${faults.join('; ')} (${meanwhile})`;
    },
    close: () => watched.close(),
  };
}

function read(reading: DirectoryReading): PinsState {
  if ('problem' in reading) return { faults: [reading.problem] };
  const content = reading.files.get(PINS_KEY);
  if (!content) return { faults: [`has no key ${PINS_KEY}`] };
  const pins = readPins(content.toString('utf8'));
  if ('faults' in pins) return { faults: firstFaults(pins.faults.map((fault) => `${PINS_KEY}: ${fault}`)) };
  return { pins, revision: hash('sha256', content, 'hex').slice(0, REVISION_CHARS), faults: [] };
}
