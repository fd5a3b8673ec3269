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
  /** The annotation that decided, or `default`. */
  readonly rule: string;
}

export type DecideTool = (tool: ToolFacts) => ToolDecision;

const ALLOWED: ToolDecision = { allowed: true, rule: 'default' };

/** allow ∩ mode − deny. Undefined when nothing is configured: then every tool is the server's affair. */
export function compileFilter({
  allowTools,
  denyTools,
  mode,
}: ServerConfig['filter']): DecideTool | undefined {
  if (!allowTools && !denyTools?.length && mode === 'all') return undefined;
  const allow = allowTools?.map(globMatcher);
  const deny = denyTools?.map(globMatcher) ?? [];
  return (tool) => {
    if (deny.some((matches) => matches(tool.name))) return { allowed: false, rule: 'deny-tools' };
    if (allow && !allow.some((matches) => matches(tool.name))) return { allowed: false, rule: 'allow-tools' };
    if (mode === 'read-only' && !tool.readOnly) return { allowed: false, rule: 'mode' };
    if (mode === 'non-destructive' && tool.destructive) return { allowed: false, rule: 'mode' };
    return allow ? { allowed: true, rule: 'allow-tools' } : ALLOWED;
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
