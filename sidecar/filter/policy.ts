import type { ServerConfig } from '../config.ts';
import { globMatcher } from '../glob.ts';
import { compileOverrides, type Overrides } from '../overrides/compile-overrides.ts';
import { both, compileFilter, type DecideTool, type ToolFacts } from './decide-tool.ts';
import type { HintsText, PolicyFile } from './policy-schema.ts';
import type { Rule } from './rules.ts';
import { compileScopes, type LackingScopes } from './scopes.ts';
import { formsOf, urlMatcher } from './uri-forms.ts';

/** What was decided, and by what. */
export interface Decision {
  readonly allowed: boolean;
  /** What decided: an annotation, `policy/` and a key of the policy file, or `default`. */
  readonly rule: string;
  /** The caller sees the thing, and may not use it with these arguments. */
  readonly argumentsOnly?: true;
  /** The caller sees the tool, and its token lacks some of these. */
  readonly needsScopes?: readonly string[];
  /** For who reads it, of the rule's own. */
  readonly message?: string;
  /** Why the rule could not be asked: for the log, not for callers. */
  readonly error?: string;
}

export type DecideName = (name: string) => Decision;

/** All that is in force: the annotations, and the policy file's patterns and rules. */
export interface Policy {
  /** What does not depend on the caller. Undefined: no list and no mode says anything. */
  readonly tool?: DecideTool | undefined;
  /** What the caller's token must have been given for. */
  readonly scopes?: LackingScopes | undefined;
  /** How tools are shown to callers; it decides nothing. */
  readonly overrides?: Overrides | undefined;
  readonly resource?: DecideName | undefined;
  readonly prompt?: DecideName | undefined;
  /** URLs that the server asks users to open. */
  readonly url?: DecideName | undefined;
  readonly completion: boolean;
  readonly subscriptions: boolean;
  readonly rules: readonly Rule[];
  /** Somebody else decides for each caller, too: here in its stead, or in a pass behind, which edits lists itself. */
  readonly perCaller?: 'here' | 'behind';
}

export const SCOPES_RULE = 'policy/tools.scopes';
const RULES = { allow: 'policy/tools.allow', deny: 'policy/tools.deny', mode: 'policy/tools.mode' };

/**
 * Undefined when nothing is forbidden to anybody. A tool must pass the annotations and the file, each of them its
 * patterns, its mode and its rules.
 * @param file undefined: there is none, or its rules could not be made
 */
export function compilePolicy(
  filter: ServerConfig['filter'],
  file?: PolicyFile,
  rules: readonly Rule[] = [],
): Policy | undefined {
  const { allow, deny, mode = 'all', hints = [] } = file?.tools ?? {};
  const decided = both(
    compileFilter(filter),
    compileFilter({ ...(allow && { allowTools: allow }), ...(deny && { denyTools: deny }), mode }, RULES),
  );
  const policy: Policy = {
    tool: decided && hints.length > 0 ? withHints(decided, hints) : decided,
    scopes: compileScopes(file?.tools.scopes),
    overrides: compileOverrides(file?.tools.overrides),
    resource: decideName('resources', file?.resources, formsOf),
    prompt: decideName('prompts', file?.prompts),
    url: decideName('elicitation.urls', file?.elicitation?.urls, undefined, urlMatcher),
    completion: file?.completion !== 'deny',
    subscriptions: file?.subscriptions !== 'deny',
    rules: hints.length > 0 ? rules.map((each) => ruleWithHints(each, hints)) : rules,
  };
  const { tool, scopes, overrides, resource, prompt, url, completion, subscriptions } = policy;
  const forbids = tool ?? scopes ?? overrides ?? resource ?? prompt ?? url;
  return forbids || !completion || !subscriptions || rules.length > 0 ? policy : undefined;
}

const withHints =
  (decide: DecideTool, hints: readonly HintsText[]): DecideTool =>
  (tool) =>
    decide(corrected(tool, hints));

const ruleWithHints = (rule: Rule, hints: readonly HintsText[]): Rule => ({
  ...rule,
  holds: (context, args) =>
    rule.holds(
      context.tool ? { ...context, tool: corrected(context.tool as ToolFacts, hints) } : context,
      args,
    ),
});

/** The owner's word in place of the server's. What is read-only is not destructive. */
export function corrected<Tool extends ToolFacts>(tool: Tool, hints: readonly HintsText[]): Tool {
  const own = hints.find(({ tools }) => tools.some((glob) => globMatcher(glob)(tool.name)));
  if (!own) return tool;
  const readOnly = own.readOnly ?? (own.destructive ? false : tool.readOnly);
  const destructive = own.destructive ?? (own.readOnly === false && tool.readOnly ? true : tool.destructive);
  return { ...tool, readOnly, destructive: destructive && !readOnly };
}

/** @param forms in which a name may be read; one unless given */
function decideName(
  section: string,
  lists: { allow?: string[] | undefined; deny?: string[] | undefined } | undefined,
  forms: (name: string) => readonly string[] = (name) => [name],
  matcher: (glob: string) => (text: string) => boolean = globMatcher,
): DecideName | undefined {
  if (!lists?.allow && !lists?.deny?.length) return undefined;
  const allow = lists.allow?.map(matcher);
  const deny = lists.deny?.map(matcher) ?? [];
  const ids = { allow: `policy/${section}.allow`, deny: `policy/${section}.deny` };
  return (name) => {
    const read = forms(name);
    if (read.some((form) => deny.some((matches) => matches(form)))) return { allowed: false, rule: ids.deny };
    if (!allow) return { allowed: true, rule: 'default' };
    // One that is written out is meant, whatever else it may be read as.
    const allowed =
      lists.allow?.includes(name) || read.every((form) => allow.some((matches) => matches(form)));
    return { allowed: allowed === true, rule: ids.allow };
  };
}
