import type { ServerConfig } from '../config.ts';
import { globMatcher } from '../glob.ts';

/** What a decision on a tool rests on. */
export interface ToolFacts {
  readonly name: string;
  /** `annotations.readOnlyHint`; absent is false. */
  readonly readOnly: boolean;
  /** `annotations.destructiveHint`; absent is true, unless the tool is read-only: no hint is the worst hint. */
  readonly destructive: boolean;
}

export interface ToolDecision {
  readonly allowed: boolean;
  /** What decided: an annotation, `policy/` and a key of the policy file, or `default`. */
  readonly rule: string;
}

export type DecideTool = (tool: ToolFacts) => ToolDecision;

const ALLOWED: ToolDecision = { allowed: true, rule: 'default' };

const ANNOTATIONS = { allow: 'allow-tools', deny: 'deny-tools', mode: 'mode' };

/**
 * allow ∩ mode − deny. Undefined when nothing is configured: then every tool is the server's affair.
 * @param rules what decisions are called
 */
export function compileFilter(
  { allowTools, denyTools, mode }: ServerConfig['filter'],
  rules: Readonly<Record<'allow' | 'deny' | 'mode', string>> = ANNOTATIONS,
): DecideTool | undefined {
  if (!allowTools && !denyTools?.length && mode === 'all') return undefined;
  const allow = allowTools?.map(globMatcher);
  const deny = denyTools?.map(globMatcher) ?? [];
  return (tool) => {
    if (deny.some((matches) => matches(tool.name))) return { allowed: false, rule: rules.deny };
    if (allow && !allow.some((matches) => matches(tool.name))) return { allowed: false, rule: rules.allow };
    if (mode === 'read-only' && !tool.readOnly) return { allowed: false, rule: rules.mode };
    if (mode === 'non-destructive' && tool.destructive) return { allowed: false, rule: rules.mode };
    return allow ? { allowed: true, rule: rules.allow } : ALLOWED;
  };
}

/** A tool must pass both; what the second says counts where the first has only let it through. */
export function both(first: DecideTool | undefined, second: DecideTool | undefined): DecideTool | undefined {
  if (!first || !second) return first ?? second;
  return (tool) => {
    const decision = first(tool);
    if (!decision.allowed) return decision;
    const further = second(tool);
    return further.allowed && further.rule === ALLOWED.rule ? decision : further;
  };
}

/** Reads the facts from one element of a `tools/list` result; undefined when it is not a tool. */
export function toolFacts(tool: unknown): ToolFacts | undefined {
  const { name, annotations } = (tool ?? {}) as {
    name?: unknown;
    annotations?: Record<string, unknown> | null;
  };
  if (typeof name !== 'string') return undefined;
  const readOnly = annotations?.['readOnlyHint'] === true;
  return { name, readOnly, destructive: !readOnly && annotations?.['destructiveHint'] !== false };
}
