import type { Policy } from './policy.ts';

const ALLOWED = { allowed: true, rule: 'default' };
const allow = (): typeof ALLOWED => ALLOWED;

/** The same policy, governing all that there is: where somebody else denies, what does not exist must look the same. */
export function governing(policy: Policy | undefined): Policy {
  return {
    completion: true,
    subscriptions: true,
    rules: [],
    ...policy,
    tool: policy?.tool ?? allow,
    prompt: policy?.prompt ?? allow,
    resource: policy?.resource ?? allow,
    perCaller: 'behind',
  };
}
