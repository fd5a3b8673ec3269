/** Runs checks over a snapshot. Pure. */
import type { Check, Finding, Severity } from './check.ts';
import type { Snapshot, Source, Values } from './snapshot.ts';

export type Outcome = 'passed' | Severity | 'skipped';

/** A finding with what the check gives it. */
export type Found = Finding & Required<Pick<Finding, 'cause' | 'severity'>>;

export interface Result {
  readonly check: Check;
  readonly outcome: Outcome;
  readonly findings: readonly Found[];
  /** Why it was skipped. */
  readonly reason?: string;
}

export interface Summary {
  readonly passed: number;
  readonly warnings: number;
  readonly failed: number;
  readonly skipped: number;
}

const SHOWN_CONSEQUENCES = 3;

/** @param checks in the order in which they are shown; a check's causes stand before it. */
export function runChecks(checks: readonly Check[], snapshot: Snapshot): Result[] {
  const results: Result[] = [];
  for (const check of checks) results.push(runCheck(check, snapshot, results));
  return results;
}

export const summarize = (results: readonly Result[]): Summary => {
  const count = (outcome: Outcome) => results.filter((each) => each.outcome === outcome).length;
  return {
    passed: count('passed'),
    warnings: count('warning'),
    failed: count('error'),
    skipped: count('skipped'),
  };
};

function runCheck(check: Check, snapshot: Snapshot, before: readonly Result[]): Result {
  const failed = (codes: readonly string[] = []) =>
    before.find((each) => each.outcome === 'error' && codes.includes(each.check.code))?.check.code;
  const first = failed(check.after);
  if (first) return skipped(check, `${first} failed`);
  const unknown = check.needs.flatMap((source) => unknownOf(snapshot, source))[0];
  if (unknown !== undefined) return skipped(check, unknown);
  const seen: Partial<Record<Source, unknown>> = {};
  for (const source of [...check.needs, ...(check.uses ?? [])]) {
    const read = snapshot[source];
    if ('value' in read) seen[source] = read.value;
  }
  const found = check.run(seen as Values, { nowMs: snapshot.nowMs });
  const cause = failed(check.causedBy);
  const findings = (cause && found.length > 0 ? [consequence(check, found, cause)] : found).map((each) => ({
    cause: [],
    severity: check.severity,
    ...each,
  }));
  const isError = findings.some((each) => each.severity === 'error');
  return {
    check,
    outcome: findings.length === 0 ? 'passed' : isError ? 'error' : 'warning',
    findings,
  };
}

/** Forty findings with one cause are one line that names it. */
function consequence(check: Check, found: readonly Finding[], code: string): Finding {
  const because = `caused by ${code}: mend that first`;
  const [only] = found;
  if (only && found.length === 1) return { ...only, cause: [because, ...(only.cause ?? [])] };
  const isError = found.some((each) => (each.severity ?? check.severity) === 'error');
  return {
    title: `not so in ${found.length} places: ${check.title}`,
    cause: [
      because,
      ...found.slice(0, SHOWN_CONSEQUENCES).map((each) => each.title),
      ...(found.length > SHOWN_CONSEQUENCES ? [`and ${found.length - SHOWN_CONSEQUENCES} more`] : []),
    ],
    severity: isError ? 'error' : 'warning',
  };
}

const unknownOf = (snapshot: Snapshot, source: Source): string[] => {
  const read = snapshot[source];
  return 'unknown' in read ? [read.unknown] : [];
};

const skipped = (check: Check, reason: string): Result => ({
  check,
  outcome: 'skipped',
  findings: [],
  reason,
});
