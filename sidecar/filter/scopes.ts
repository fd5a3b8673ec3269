/** Scopes of OAuth that tools ask of the caller's token. Pure. */
import { globMatcher } from '../glob.ts';
import type { Principal } from '../principal.ts';
import type { ScopesText } from './policy-schema.ts';

export interface Lacking {
  /** All that the tool needs, those that the token has too: clients ask for these anew (RFC 6750 section 3.1). */
  readonly scopes: readonly string[];
  /** The caller sees the tool, and is told what it takes. */
  readonly visible: boolean;
}

/** What a caller lacks for a tool; undefined: nothing. */
export type LackingScopes = (principal: Principal, tool: string) => Lacking | undefined;

export function compileScopes(entries: readonly ScopesText[] = []): LackingScopes | undefined {
  if (entries.length === 0) return undefined;
  const asking = entries.map(({ tools, scopes, visible }) => ({
    matchers: tools.map(globMatcher),
    scopes,
    visible,
  }));
  return (principal, tool) => {
    const about = asking.filter(({ matchers }) => matchers.some((matches) => matches(tool)));
    if (about.length === 0) return undefined;
    // Nobody else can come back with more: a scope is what an authorization server has given a client.
    const held = principal.kind === 'oidc' ? (principal.scopes ?? []) : undefined;
    const lacking = about.filter(({ scopes }) => !scopes.every((each) => held?.includes(each)));
    if (lacking.length === 0) return undefined;
    return {
      scopes: [...new Set(about.flatMap(({ scopes }) => scopes))],
      visible: held !== undefined && lacking.every(({ visible }) => visible),
    };
  };
}
