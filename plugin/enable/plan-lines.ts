/** A change as kubectl would say it, with what changes below. Pure. */
import type { DryRun } from '../flags.ts';
import type { Change } from './change.ts';
import { objectName } from './workload.ts';

const NOTES: Record<DryRun, string> = { none: '', client: ' (dry run)', server: ' (server dry run)' };

export const changeLines = (change: Change, dryRun: DryRun = 'none'): string[] => [
  `${objectName((change.after ?? change.before)!)} ${change.done}${NOTES[dryRun]}`,
  ...change.details.map((each) => `    ${each}`),
];
