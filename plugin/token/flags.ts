/** What the commands of `kubectl mcp token` are given. */
import type { GlobalFlags } from '../flags.ts';
import type { TargetFlags } from '../kube/target.ts';
import type { LifetimeFlags } from './lifetime.ts';

export const MADE_FORMATS = ['json', 'yaml'] as const;
export const LIST_FORMATS = ['json', 'yaml', 'name', 'wide'] as const;

export interface ChangeFlags extends GlobalFlags, TargetFlags {
  readonly timeout: string;
  readonly wait: boolean;
}

export interface MakeFlags extends ChangeFlags, LifetimeFlags {
  readonly for?: string;
  readonly output?: string;
}

export interface RotateFlags extends MakeFlags {
  readonly overlap: string;
}

export interface RevokeFlags extends ChangeFlags {
  readonly id?: string;
}

export interface ListFlags extends GlobalFlags, TargetFlags {
  readonly headers: boolean;
  readonly output?: string;
}
