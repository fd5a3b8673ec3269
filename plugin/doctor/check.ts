/** A check is data: what it is called, what it needs to see, and a pure function over that. */
import type { Source, Values } from './snapshot.ts';

export type Severity = 'error' | 'warning';

export const CATEGORIES = [
  'webhook',
  'certificate',
  'annotations',
  'injection',
  'sidecar',
  'server',
  'auth',
  'filter',
  'network',
] as const;
export type Category = (typeof CATEGORIES)[number];

export interface Finding {
  /** What is wrong with what, in one line. */
  readonly title: string;
  /** Why, and what was seen; a line each. */
  readonly cause?: readonly string[];
  /** The command or edit that mends it. */
  readonly fix?: string;
  /** When it differs from the check's. */
  readonly severity?: Severity;
}

export interface Context {
  readonly nowMs: number;
}

export interface Check<Needs extends Source = Source, Uses extends Source = Source> {
  /** Never given to another check. */
  readonly code: `MCP${number}`;
  readonly category: Category;
  /** What holds when it passes. */
  readonly title: string;
  /** Of its findings, unless they say otherwise. */
  readonly severity: Severity;
  /** For the docs: what a finding means. */
  readonly about: string;
  /** For the docs: what to do. */
  readonly remedy: string;
  /** Without any of these the check is skipped. */
  readonly needs: readonly Needs[];
  /** Looked at when they are there. */
  readonly uses?: readonly Uses[];
  /** Skipped when one of these failed: there is nothing to look at. */
  readonly after?: readonly string[];
  /** Its findings become one line when one of these failed: the cause is told once. */
  readonly causedBy?: readonly string[];
  run(seen: Pick<Values, Needs> & Partial<Pick<Values, Uses>>, context: Context): readonly Finding[];
}

/** Keeps the type of `run` to what the check says it needs. */
export const defineCheck = <const Needs extends Source, const Uses extends Source = never>(
  check: Check<Needs, Uses>,
): Check => check as unknown as Check;
