import type { RevisionFile } from '../mounted/watch-revision.ts';
import { POLICY_KEY, readPolicy, type ReadPolicy } from './read-policy.ts';

/** A ConfigMap's policy. CEL takes memory, in every pod: loaded only where there is an expression. */
export const policyFile: RevisionFile<ReadPolicy> = {
  key: POLICY_KEY,
  async read(text) {
    const read = readPolicy(text);
    if ('faults' in read || !read.policy.rules?.length) return read;
    const { compileRule } = await import('./rules.ts');
    return readPolicy(text, compileRule);
  },
};
