import { hash } from 'node:crypto';
import { sourceInWords } from '../config.ts';
import type { DirectoryReading } from '../mounted/read-directory.ts';
import { firstFaults } from '../mounted/faults.ts';
import { watchDirectory } from '../mounted/watch-directory.ts';
import { compileFilter, type DecideTool } from './decide-tool.ts';
import { POLICY_KEY, readPolicy } from './read-policy.ts';

/** What is in force, and what is wrong with what should be. */
export interface PolicyState {
  /** Short SHA-256 over the bytes of the file in force; undefined until there has been a good one. */
  readonly revision?: string;
  /** Undefined: the policy forbids nothing. */
  readonly decide?: DecideTool | undefined;
  /** Of the file as it is now; it is not in force then. */
  readonly faults: readonly string[];
}

export interface WatchedPolicy {
  state(): PolicyState;
  /** For the owner of the pod: names the ConfigMap, what is wrong, and what is in force meanwhile. */
  problem(): string | undefined;
  close(): void;
}

const RULES = { allow: 'policy/tools.allow', deny: 'policy/tools.deny', mode: 'policy/tools.mode' };
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

  function take(reading: DirectoryReading): void {
    const next = judge(reading);
    state = 'faults' in next ? { ...state, faults: next.faults } : { ...next, faults: [] };
    changed(state);
  }

  const watched = await watchDirectory(config.directory, take);
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

function judge(
  reading: DirectoryReading,
):
  | { readonly faults: readonly string[] }
  | (Required<Pick<PolicyState, 'revision'>> & Pick<PolicyState, 'decide'>) {
  if ('problem' in reading) return { faults: [reading.problem] };
  const content = reading.files.get(POLICY_KEY);
  if (!content) return { faults: [`has no key ${POLICY_KEY}`] };
  const read = readPolicy(content.toString('utf8'));
  if ('faults' in read) return { faults: firstFaults(read.faults.map((fault) => `${POLICY_KEY}: ${fault}`)) };
  const { allow, deny, mode } = read.policy.tools;
  return {
    revision: hash('sha256', content, 'hex').slice(0, REVISION_CHARS),
    decide: compileFilter(
      { ...(allow && { allowTools: allow }), ...(deny && { denyTools: deny }), mode },
      RULES,
    ),
  };
}
