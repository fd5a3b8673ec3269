/** Each tool, whether the caller may use it, and by which rule. Pure. */
import { decideForSome } from '../../sidecar/filter/decide.ts';
import type { ToolFacts } from '../../sidecar/filter/decide-tool.ts';
import { corrected } from '../../sidecar/filter/policy.ts';
import { OVERRIDES_RULE } from '../../sidecar/overrides/compile-overrides.ts';
import { viewOf } from '../../sidecar/overrides/override-view.ts';
import type { Principal } from '../../sidecar/principal.ts';
import type { Column } from '../print/table.ts';
import type { Sources } from './sources.ts';

export interface Row {
  /** The server's own. */
  readonly name: string;
  /** What callers know it by, where that is another. */
  readonly shown?: string;
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
  const view = policy?.overrides && tools && viewOf(policy.overrides, tools);
  return [...(tools?.values() ?? [])].map((tool) => {
    const shown = view?.shown.get(tool.name);
    const hidden = view?.hidden.get(tool.name);
    const decided = policy && decideForSome(policy, caller, thing(tool), ADDRESS);
    const judged = decided ?? { allowed: true, rule: 'default' };
    const { allowed, rule, error, needsScopes } =
      hidden !== undefined && (judged.allowed || judged.needsScopes)
        ? { allowed: false, rule: OVERRIDES_RULE, error: hidden, needsScopes: undefined }
        : judged;
    const asks = policy?.rules.some((each) => each.usesArgs && each.isAbout('tool', tool.name)) ?? false;
    const { readOnly, destructive } = corrected(tool, hints);
    return {
      name: tool.name,
      ...(shown === undefined ? {} : { shown }),
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

/** What callers know tools by stands there where a policy says so of any. */
export const columnsOf = (rows: readonly Row[]): readonly Column<Row>[] =>
  rows.some(({ shown }) => shown !== undefined) ? [TOOL, SHOWN, ...COLUMNS] : [TOOL, ...COLUMNS];

const TOOL: Column<Row> = { header: 'TOOL', value: ({ name }) => name };
const SHOWN: Column<Row> = { header: 'SHOWN AS', value: ({ name, shown = name }) => shown };
const COLUMNS: readonly Column<Row>[] = [
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
