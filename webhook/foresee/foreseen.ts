/** What the API server will say to a pod, in words: types only, and one line of each. */
import type { V1LimitRange, V1ResourceQuota } from '@kubernetes/client-node';
import type { Reason } from '../reasons.ts';
import { withCodes } from '../reasons.ts';

/** What a namespace holds its pods to; what could not be read is left out, and not looked at. */
export interface NamespaceRules {
  readonly name: string;
  /** Of the Namespace: Pod Security levels. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly limitRanges?: readonly V1LimitRange[];
  /** With their status. */
  readonly quotas?: readonly V1ResourceQuota[];
}

export type ForeseenReason = Extract<Reason, 'PodSecurityViolated' | 'LimitRangeExceeded' | 'QuotaExceeded'>;

export interface Foreseen {
  readonly reason: ForeseenReason;
  /** What says so, and may be changed: `limitrange/limits`, `resourcequota/small`, `namespace/web`. */
  readonly object: string;
  /** With the sums. */
  readonly message: string;
  readonly mend: string;
  /**
   * So it stays until somebody changes template or object. Not so where other pods may make room; nor of Pod Security,
   * from which an API server may except users and namespaces where nobody else sees it.
   */
  readonly lasting: boolean;
}

export const foreseenText = ({ message, mend, reason }: Foreseen): string =>
  withCodes(`${message}; ${mend}`, [reason]);
