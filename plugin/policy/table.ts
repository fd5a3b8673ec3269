/** Each tool, whether the caller may use it, and by which rule. Pure. */
import { decideForSome } from '../../sidecar/filter/decide.ts';
import type { ToolFacts } from '../../sidecar/filter/decide-tool.ts';
import { corrected } from '../../sidecar/filter/policy.ts';
import type { Principal } from '../../sidecar/principal.ts';
import type { Column } from '../print/table.ts';
import type { Sources } from './sources.ts';

export interface Row {
  readonly name: string;
  readonly allowed: boolean;
  /** A rule asks each call. */
  readonly byArguments: boolean;
  /** The caller sees it, and its token lacks some of these. */
  readonly needsScopes?: readonly string[];
  readonly rule: string;
  readonly readOnly: boolean;
  readonly destructive: boolean;
  /** Why a rule could not be asked; it denies then. */
  readonly error?: string;
}

/** Of nobody's own machine. */
export const ADDRESS = '';

export function rowsOf(caller: Principal, { policy, hints, tools }: Sources): Row[] {
  return [...(tools?.values() ?? [])].map((tool) => {
    const decided = policy && decideForSome(policy, caller, thing(tool), ADDRESS);
    const { allowed = true, rule = 'default', error, needsScopes } = decided ?? {};
    const asks = policy?.rules.some((each) => each.usesArgs && each.isAbout('tool', tool.name)) ?? false;
    const { readOnly, destructive } = corrected(tool, hints);
    return {
      name: tool.name,
      allowed,
      byArguments: allowed && asks,
      ...(needsScopes ? { needsScopes } : {}),
      rule,
      readOnly,
      destructive,
      ...(error === undefined ? {} : { error }),
    };
  });
}

const thing = (tool: ToolFacts) => ({ kind: 'tool' as const, name: tool.name, tool });

export const COLUMNS: readonly Column<Row>[] = [
  { header: 'TOOL', value: ({ name }) => name },
  {
    header: 'ALLOWED',
    value: ({ allowed, byArguments, needsScopes }) =>
      byArguments ? 'by arguments' : needsScopes ? 'by scope' : allowed ? 'yes' : 'no',
  },
  { header: 'RULE', value: ({ rule }) => rule },
  { header: 'READ-ONLY', wide: true, value: ({ readOnly }) => String(readOnly) },
  { header: 'DESTRUCTIVE', wide: true, value: ({ destructive }) => String(destructive) },
  { header: 'ERROR', wide: true, value: ({ error }) => error ?? '' },
];
