/** Results as a person or a program reads them. Pure. */
import { CATEGORIES, type Category } from './check.ts';
import { type Outcome, type Result, summarize } from './run.ts';

export const FORMATS = ['table', 'short', 'json'] as const;
export type Format = (typeof FORMATS)[number];

/** Where every code is explained. */
export const docsOf = (code: string): string => `docs/doctor.md#${code.toLowerCase()}`;

const SYMBOL = { passed: '√', warning: '‼', error: '×' } as const;

/** linkerd's layout: a heading per category, a line per check, the cause indented. `short` leaves out what passed. */
export function formatTable(results: readonly Result[], short = false): string {
  const blocks = CATEGORIES.flatMap((category) => {
    const lines = results
      .filter((each) => each.check.category === category && !(short && each.outcome === 'passed'))
      .flatMap(resultLines);
    const skipped = short ? [] : skippedLines(results, category);
    return lines.length + skipped.length > 0
      ? [[category, '-'.repeat(category.length), ...lines, ...skipped].join('\n')]
      : [];
  });
  return `${[...blocks, verdict(results)].join('\n\n')}\n`;
}

function resultLines({ check, outcome, findings }: Result): string[] {
  if (outcome === 'skipped') return [];
  if (outcome === 'passed') return [`${SYMBOL.passed} ${check.code} ${check.title}`];
  return findings.flatMap(({ title, cause, fix, severity }) => [
    `${SYMBOL[severity]} ${check.code} ${title}`,
    ...cause.flatMap((each) => each.split('\n')).map((each) => `    ${each}`),
    ...(fix ? [`    fix: ${fix}`] : []),
    `    docs: ${docsOf(check.code)}`,
  ]);
}

/** One line per reason: what cannot be read is told once. */
function skippedLines(results: readonly Result[], category: Category): string[] {
  const byReason = Map.groupBy(
    results.filter((each) => each.outcome === 'skipped' && each.check.category === category),
    (each) => each.reason,
  );
  return [...byReason].map(
    ([reason, skipped]) => `- ${skipped.map((each) => each.check.code).join(', ')} skipped: ${reason}`,
  );
}

function verdict(results: readonly Result[]): string {
  const { passed, warnings, failed, skipped } = summarize(results);
  const counts = `${passed} passed, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}, ${failed} failed, ${skipped} skipped`;
  const sentence =
    failed > 0
      ? 'Something is broken: mend what is marked × first.'
      : warnings > 0
        ? 'Nothing is broken; look at what is marked ‼.'
        : passed > 0
          ? 'Everything that was checked is in order.'
          : 'Nothing could be checked.';
  return `${counts}\n${sentence}`;
}

const JSON_RESULT: Record<Outcome, string> = {
  passed: 'success',
  warning: 'warning',
  error: 'error',
  skipped: 'skipped',
};

/** linkerd's shape, with codes; a check with several findings has an entry for each. */
export function toJson(results: readonly Result[]): object {
  const summary = summarize(results);
  return {
    success: summary.failed === 0,
    summary,
    categories: CATEGORIES.map((category) => ({
      categoryName: category,
      checks: results.filter((each) => each.check.category === category).flatMap(jsonEntries),
    })).filter((each) => each.checks.length > 0),
  };
}

function jsonEntries({ check, outcome, findings, reason }: Result): object[] {
  const base = { code: check.code, description: check.title };
  if (findings.length === 0) {
    return [{ ...base, result: JSON_RESULT[outcome], ...(reason !== undefined && { reason }) }];
  }
  return findings.map(({ title, cause, fix, severity }) => ({
    ...base,
    result: JSON_RESULT[severity],
    error: title,
    cause,
    ...(fix !== undefined && { fix }),
    hint: docsOf(check.code),
  }));
}
