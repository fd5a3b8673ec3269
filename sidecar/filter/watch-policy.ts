import { hash } from 'node:crypto';
import { sourceInWords } from '../mounts.ts';
import type { DirectoryReading } from '../mounted/read-directory.ts';
import { firstFaults } from '../mounted/faults.ts';
import { watchDirectory } from '../mounted/watch-directory.ts';
import { POLICY_KEY, readPolicy, type ReadPolicy } from './read-policy.ts';

/** What is in force, and what is wrong with what should be. */
export interface PolicyState {
  /** Short SHA-256 over the bytes of the file in force; undefined until there has been a good one. */
  readonly revision?: string;
  readonly read?: ReadPolicy;
  /** Of the file as it is now; it is not in force then. */
  readonly faults: readonly string[];
}

export interface WatchedPolicy {
  state(): PolicyState;
  /** For the owner of the pod: names the ConfigMap, what is wrong, and what is in force meanwhile. */
  problem(): string | undefined;
  close(): void;
}

const REVISION_CHARS = 12;

/**
 * Follows the policy file. A file with a fault changes nothing: the one before stays in force. As long as there was no
 * good one, nothing is.
 * @param changed is told of each file, good or not, the first one included
 */
export async function watchPolicy(
  config: { source: string; directory: string },
  changed: (state: PolicyState) => void,
): Promise<WatchedPolicy> {
  let state: PolicyState = { faults: [] };
  let taken: Promise<void> = Promise.resolve();

  async function take(reading: DirectoryReading): Promise<void> {
    // What cannot be judged holds up no later version.
    const next = await judge(reading).catch((error: Error) => ({ faults: [error.message] }));
    state = 'faults' in next ? { ...state, faults: next.faults } : { ...next, faults: [] };
    changed(state);
  }

  const watched = await watchDirectory(config.directory, (reading) => {
    taken = taken.then(() => take(reading));
  });
  await taken;
  return {
    state: () => state,
    problem() {
      const { revision, faults } = state;
      if (faults.length === 0) return undefined;
      const meanwhile = revision ? `revision ${revision} stays in force` : 'all calls are refused';
      return `${sourceInWords(config.source)}: ${faults.join('; ')} (${meanwhile})`;
    },
    close: () => watched.close(),
  };
}

async function judge(
  reading: DirectoryReading,
): Promise<{ readonly faults: readonly string[] } | Required<Pick<PolicyState, 'revision' | 'read'>>> {
  if ('problem' in reading) return { faults: [reading.problem] };
  const content = reading.files.get(POLICY_KEY);
  if (!content) return { faults: [`has no key ${POLICY_KEY}`] };
  const read = await readWithRules(content.toString('utf8'));
  if ('faults' in read) return { faults: firstFaults(read.faults.map((fault) => `${POLICY_KEY}: ${fault}`)) };
  return { revision: hash('sha256', content, 'hex').slice(0, REVISION_CHARS), read };
}

/** CEL takes memory, in every pod: loaded only where there is an expression. */
async function readWithRules(text: string): Promise<ReturnType<typeof readPolicy>> {
  const read = readPolicy(text);
  if ('faults' in read || !read.policy.rules?.length) return read;
  const { compileRule } = await import('./rules.ts');
  return readPolicy(text, compileRule);
}
