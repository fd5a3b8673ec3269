/** The one decision, pure: the sidecar, `kubectl mcp policy` and the tests ask it. */
import type { Principal } from '../principal.ts';
import type { CallArguments } from './call-arguments.ts';
import type { ToolFacts } from './decide-tool.ts';
import { SCOPES_RULE, type Decision, type Policy } from './policy.ts';
import { formsOf } from './uri-forms.ts';
import type { Kind, Rule } from './rules.ts';

/** What a request is about, as far as a decision rests on it. */
export interface Asked {
  readonly method: string;
  /** The tool's or prompt's name, the resource's URI; of completion, what its reference names. */
  readonly target?: string | undefined;
  /** Of completion: what kind its reference is. */
  readonly reference?: 'prompt' | 'resource' | undefined;
  readonly address: string;
  /** Read once a rule asks for them. Absent in lists, where nobody knows them. */
  readonly args?: (() => CallArguments) | undefined;
}

export interface Catalogue {
  tool(name: string): ToolFacts | undefined;
}

const DEFAULT: Decision = { allowed: true, rule: 'default' };
const KINDS: Readonly<Record<string, Kind>> = {
  'tools/call': 'tool',
  'prompts/get': 'prompt',
  'resources/read': 'resource',
  'resources/subscribe': 'resource',
  'resources/unsubscribe': 'resource',
};
/** The method under which a thing of a list would be used. */
const USES = { tool: 'tools/call', prompt: 'prompts/get', resource: 'resources/read' } as const;

/** What a request is about; undefined: nothing that a policy names. */
export const kindOf = ({ method, reference }: Pick<Asked, 'method' | 'reference'>): Kind | undefined =>
  method === 'completion/complete' ? reference : KINDS[method];

export function decide(
  principal: Principal,
  asked: Asked,
  catalogue: Catalogue,
  policy: Policy | undefined,
): Decision {
  if (!policy) return DEFAULT;
  if (asked.method === 'completion/complete' && !policy.completion)
    return { allowed: false, rule: 'policy/completion' };
  if (asked.method === 'resources/subscribe' && !policy.subscriptions)
    return { allowed: false, rule: 'policy/subscriptions' };
  const kind = kindOf(asked);
  if (kind === undefined || asked.target === undefined) return DEFAULT;
  if (kind !== 'tool') return decideThing(policy, principal, { kind, name: asked.target }, asked);
  if (!governs(policy, 'tool')) return DEFAULT;
  const tool = catalogue.tool(asked.target);
  if (!tool) return { allowed: false, rule: 'tool-unknown' };
  return decideThing(policy, principal, { kind, name: tool.name, tool }, asked);
}

/** A thing of a list, or one that a message tells of. */
export interface Thing {
  readonly kind: Kind;
  readonly name: string;
  readonly tool?: ToolFacts;
}

/** As it would be decided for some arguments. */
export const decideForSome = (
  policy: Policy,
  principal: Principal,
  thing: Thing,
  address: string,
): Decision => decideThing(policy, principal, thing, { method: USES[thing.kind], address });

/** Whether the caller may know of a thing. */
export function decideListed(policy: Policy, principal: Principal, thing: Thing, address: string): Decision {
  const decision = decideForSome(policy, principal, thing, address);
  return decision.needsScopes ? { allowed: true, rule: decision.rule } : decision;
}

/** Whether a policy says anything of a kind. */
export const governs = (policy: Policy, kind: Kind): boolean =>
  policy[kind] !== undefined ||
  // What is renamed, or is not there, is answered alike: by the sidecar.
  (kind === 'tool' && (policy.scopes !== undefined || policy.overrides !== undefined)) ||
  policy.rules.some((rule) => rule.kinds.includes(kind));

/** What is denied for any other reason is so whatever the token's scopes are: nobody is asked to get more in vain. */
function decideThing(policy: Policy, principal: Principal, thing: Thing, asked: Asked): Decision {
  const decision = decideUnscoped(policy, principal, thing, asked);
  if (!policy.scopes || thing.kind !== 'tool' || (!decision.allowed && !decision.argumentsOnly))
    return decision;
  const lacking = policy.scopes(principal, thing.name);
  if (!lacking) return decision;
  if (!lacking.visible) return { allowed: false, rule: SCOPES_RULE };
  return decision.allowed ? { allowed: false, rule: SCOPES_RULE, needsScopes: lacking.scopes } : decision;
}

/** Whether a tool may be one caller's and not another's. */
export const decidesPerCaller = (policy: Policy | undefined): boolean =>
  policy !== undefined &&
  (policy.scopes !== undefined || policy.rules.some(({ kinds }) => kinds.includes('tool')));

function decideUnscoped(policy: Policy, principal: Principal, thing: Thing, asked: Asked): Decision {
  const listed = thing.tool
    ? policy.tool?.(thing.tool)
    : thing.kind === 'tool'
      ? undefined
      : policy[thing.kind]?.(thing.name);
  if (listed && !listed.allowed) return listed;
  if (policy.rules.length === 0) return listed ?? DEFAULT;
  const forms = thing.kind === 'resource' ? formsOf(thing.name) : [thing.name];
  const rules = policy.rules.filter((rule) => forms.some((form) => rule.isAbout(thing.kind, form)));
  if (rules.length === 0) return listed ?? DEFAULT;
  let decision: Decision = DEFAULT;
  for (const form of forms) {
    decision = byRules(rules, contextOf(principal, thing, form, asked), asked.args);
    if (!decision.allowed) return decision;
  }
  return decision.rule === DEFAULT.rule ? (listed ?? DEFAULT) : decision;
}

/** First without the arguments: what is denied then is hidden. */
function byRules(rules: readonly Rule[], context: RuleContext, args: Asked['args']): Decision {
  const hidden = ask(rules, context, undefined);
  if (!hidden.allowed || !args || !rules.some(({ usesArgs }) => usesArgs)) return hidden;
  const decision = ask(rules, context, args());
  return decision.allowed ? decision : { ...decision, argumentsOnly: true };
}

type RuleContext = Parameters<Rule['holds']>[0];

/** @param args undefined: rules that read them are left out, and one with `allow` may be true */
function ask(rules: readonly Rule[], context: RuleContext, args: CallArguments | undefined): Decision {
  let allowing: Rule | undefined;
  let missing: Decision | undefined;
  for (const rule of rules) {
    const isAllow = rule.effect === 'allow';
    if (isAllow && allowing) continue;
    if (rule.usesArgs && !args) {
      if (isAllow) allowing = rule;
      continue;
    }
    let error: string | undefined;
    let holds = false;
    try {
      holds = rule.holds(context, args);
    } catch (thrown) {
      error = (thrown as Error).message.split('\n', 1)[0]!;
    }
    if (!isAllow && (holds || error !== undefined)) return denial(rule, error);
    if (isAllow && holds) allowing = rule;
    else if (isAllow) missing ??= denial(rule, error);
  }
  if (missing && !allowing) return missing;
  return allowing ? { allowed: true, rule: allowing.id } : DEFAULT;
}

const denial = ({ id, message }: Rule, error: string | undefined): Decision => ({
  allowed: false,
  rule: id,
  ...(message === undefined ? {} : { message }),
  ...(error === undefined ? {} : { error }),
});

function contextOf(
  principal: Principal,
  { kind, name, tool }: Thing,
  form: string,
  asked: Asked,
): RuleContext {
  return {
    principal: principalFields(principal),
    request: { method: asked.method, address: asked.address },
    ...(kind === 'tool' ? { tool: tool ?? { name } } : {}),
    ...(kind === 'resource' ? { resource: { uri: form } } : {}),
    ...(kind === 'prompt' ? { prompt: { name } } : {}),
  };
}

const fields = new WeakMap<Principal, object>();

/** As expressions see who calls. */
function principalFields(principal: Principal): object {
  let known = fields.get(principal);
  if (!known) {
    const { name, kind, issuer, groups, actors, scopes = [], claims = {} } = principal;
    const [, namespace = '', serviceAccount = ''] =
      (kind === 'kubernetes' && /^system:serviceaccount:([^:]+):([^:]+)$/.exec(name)) || [];
    known = {
      name,
      kind,
      issuer,
      groups: [...groups],
      actors: [...actors],
      scopes: [...scopes],
      claims: { ...claims },
      namespace,
      serviceAccount,
    };
    fields.set(principal, known);
  }
  return known;
}
