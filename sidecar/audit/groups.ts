import type { Principal } from '../principal.ts';

/** Container runtimes split lines at 16 KiB. */
const MAX_CHARS = 4_096;
/** Principals are as long-lived as what they were proved with: the text of their groups is written once. */
const written = new WeakMap<Principal, string>();

/**
 * The groups of a caller whose name does not tell them, as JSON; undefined where there are none. Of very many the last
 * element says how many are left out.
 */
export function groupsInJson(principal: Principal): string | undefined {
  const { groups, kind, actors } = principal;
  // Those of an agent's user are the agent's word.
  if (groups.length === 0 || (kind === 'kubernetes' && actors.length === 0)) return undefined;
  const known = written.get(principal);
  if (known !== undefined) return known;
  const text = textOf(groups);
  written.set(principal, text);
  return text;
}

function textOf(groups: readonly string[]): string {
  let chars = 0;
  const told = groups.findIndex((each) => (chars += each.length + 3) > MAX_CHARS);
  return JSON.stringify(told === -1 ? groups : [...groups.slice(0, told), `… ${groups.length - told} more`]);
}
