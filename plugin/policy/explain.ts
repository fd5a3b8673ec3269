/** How one request would be decided. Pure. */
import { givenArguments } from '../../sidecar/filter/call-arguments.ts';
import { decide } from '../../sidecar/filter/decide.ts';
import { OVERRIDES_RULE } from '../../sidecar/overrides/compile-overrides.ts';
import type { Principal } from '../../sidecar/principal.ts';
import { overriddenCall } from './overridden-call.ts';
import { ADDRESS } from './table.ts';
import type { Sources } from './sources.ts';

/** What a person types, and what a client sends. */
export const EXPLAINED = {
  call: 'tools/call',
  read: 'resources/read',
  subscribe: 'resources/subscribe',
  get: 'prompts/get',
} as const;
export type Verb = keyof typeof EXPLAINED;

export const verbOf = (text: string): Verb | undefined =>
  Object.hasOwn(EXPLAINED, text) ? (text as Verb) : undefined;

export interface Explained {
  readonly caller: string;
  readonly method: string;
  readonly name: string;
  readonly allowed: boolean;
  readonly rule: string;
  /** The caller sees the thing in lists, and may not use it so. */
  readonly listed: boolean;
  readonly notes: readonly string[];
}

export function explain(
  caller: Principal,
  given: { verb: Verb; name: string; args: object },
  { policy, tools }: Sources,
): Explained {
  const { verb } = given;
  const overridden = overriddenCall(verb === 'call' ? policy?.overrides : undefined, given, tools);
  const { tool: name, args, problem } = overridden;
  const method = EXPLAINED[verb];
  const asked = { method, target: name, address: ADDRESS, args: () => givenArguments(args) };
  const unknown = { name, readOnly: false, destructive: true };
  const catalogue = { tool: (each: string) => (tools ? tools.get(each) : unknown) };
  const { allowed, rule, argumentsOnly, needsScopes, error, message } = decide(
    caller,
    asked,
    catalogue,
    policy,
  );
  const isMissing = verb === 'call' && tools !== undefined && !tools.has(name);
  return {
    caller: caller.name,
    method,
    name,
    allowed: allowed && !isMissing && problem === undefined,
    rule: isMissing ? 'tool-unknown' : allowed && problem !== undefined ? OVERRIDES_RULE : rule,
    listed:
      !isMissing &&
      (allowed || argumentsOnly === true || needsScopes !== undefined) &&
      (problem === undefined || overridden.ofArguments === true),
    notes: [
      ...(isMissing ? [`the server has no tool "${name}"`] : []),
      ...overridden.notes,
      ...(problem === undefined ? [] : [problem]),
      ...(argumentsOnly ? [`${caller.name} sees it, and may not use it with these arguments`] : []),
      ...(needsScopes
        ? [`${caller.name} sees it, and is told to come back with the scopes ${needsScopes.join(' ')}`]
        : []),
      ...(error === undefined ? [] : [`the rule could not be asked: ${error}`]),
      ...(message === undefined ? [] : [`the caller is told: ${message}`]),
      ...(verb === 'call' && !tools ? ['taken to be a tool without hints; see --against'] : []),
    ],
  };
}
