/** Which records are asked for. Pure. */
import { globMatcher } from '../../sidecar/glob.ts';
import { usageError } from '../errors.ts';
import { parseDurationMs } from '../flags.ts';
import type { AuditRecord, Entry } from './read-line.ts';

export interface FilterFlags {
  readonly component?: string[];
  readonly method?: string[];
  readonly outcome?: string[];
  readonly principal?: string[];
  readonly since?: string;
  readonly sinceTime?: string;
  readonly tool?: string[];
}

export const OUTCOMES = ['success', 'application_error', 'denied', 'failure', 'error'] as const;

type Test = (record: AuditRecord) => boolean;

/** Undefined without one. @throws {CliError} for what is no time or no duration */
export function sinceMsOf({ since, sinceTime }: FilterFlags, nowMs: number): number | undefined {
  if (since !== undefined && sinceTime !== undefined)
    throw usageError('at most one of `sinceTime` or `sinceSeconds` may be specified');
  if (since !== undefined) {
    const durationMs = parseDurationMs(since, '--since');
    if (durationMs <= 0) throw usageError('--since must be greater than 0');
    return nowMs - durationMs;
  }
  if (sinceTime === undefined) return undefined;
  const timeMs = Date.parse(sinceTime);
  if (Number.isNaN(timeMs) || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(sinceTime))
    throw usageError(
      `invalid argument "${sinceTime}" for "--since-time" flag: expected a time of RFC 3339, like 2026-11-20T12:00:00Z`,
    );
  return timeMs;
}

/** @throws {CliError} for an outcome that there is not */
export function filterFor(flags: FilterFlags, sinceMs: number | undefined): (entry: Entry) => boolean {
  const tests = [
    test(flags.tool, toolNames),
    test(flags.principal, principalNames),
    test(outcomesOf(flags.outcome), ({ outcome }) => [outcome]),
    test(flags.method, ({ target }) => [target?.['method']]),
    test(flags.component, ({ component }) => [component]),
  ].filter((each) => each !== undefined);
  return ({ timeMs, record }) =>
    (sinceMs === undefined || timeMs >= sinceMs) && tests.every((each) => each(record));
}

const valuesOf = (given: readonly string[]): string[] =>
  given.flatMap((each) => each.split(',')).filter((each) => each !== '');

function test(
  given: readonly string[] | undefined,
  namesIn: (record: AuditRecord) => unknown[],
): Test | undefined {
  if (given === undefined) return undefined;
  const matchers = valuesOf(given).map(globMatcher);
  return (record) =>
    namesIn(record).some((name) => typeof name === 'string' && matchers.some((matches) => matches(name)));
}

/** Requests about a task are of the tool that made it; callers may know the tool by another name. */
function toolNames({ target, metadata }: AuditRecord): unknown[] {
  const { called, tool } = metadata?.extra ?? {};
  return [target?.['type'] === 'tool' ? target['name'] : undefined, called, tool];
}

/** Who calls, and for whom. */
const principalNames = ({ subjects, delegation }: AuditRecord): unknown[] => [
  subjects?.['user'],
  ...(Array.isArray(delegation?.chain) ? (delegation.chain as unknown[]) : []),
];

function outcomesOf(given: string[] | undefined): string[] | undefined {
  const unknown = given && valuesOf(given).find((each) => !(OUTCOMES as readonly string[]).includes(each));
  if (unknown !== undefined)
    throw usageError(
      `invalid argument "${unknown}" for "--outcome" flag: expected one of ${OUTCOMES.join(', ')}`,
    );
  return given;
}
