import { globMatcher } from '../glob.ts';
import type { CallArguments } from './call-arguments.ts';
import { compileExpression, type Context, type Variable } from './cel.ts';
import type { RuleText } from './policy-schema.ts';

export type Kind = 'tool' | 'resource' | 'prompt';

/** A rule of a policy, ready to be asked. */
export interface Rule {
  /** As records name it. */
  readonly id: string;
  readonly effect: 'allow' | 'deny';
  readonly kinds: readonly Kind[];
  readonly usesArgs: boolean;
  readonly message?: string;
  isAbout(kind: Kind, name: string): boolean;
  /** @throws what a caller's request does to the expression */
  holds(context: Context, args?: CallArguments): boolean;
}

/** Called by the file's reader, for what is wrong, and by its follower. */
export function compileRule(rule: RuleText): Rule | { readonly fault: string } {
  const globs = { tool: rule.tools, resource: rule.resources, prompt: rule.prompts };
  const kinds = (Object.keys(globs) as Kind[]).filter((kind) => globs[kind]);
  const effect = rule.allow === undefined ? 'deny' : 'allow';
  const variables: Variable[] = [
    'principal',
    'request',
    // Of several it could be any.
    ...(kinds.length === 1 ? kinds : []),
    // Resources have none.
    ...(kinds.includes('resource') ? [] : (['args'] as const)),
  ];
  const expression = compileExpression((rule.allow ?? rule.deny)!, variables);
  if ('fault' in expression) return { fault: `${effect}: ${expression.fault}` };
  const matchers = Object.fromEntries(kinds.map((kind) => [kind, globs[kind]!.map(globMatcher)])) as Partial<
    Record<Kind, ((text: string) => boolean)[]>
  >;
  return {
    id: `policy/rules.${rule.name}`,
    effect,
    kinds,
    usesArgs: expression.usesArgs,
    ...(rule.message === undefined ? {} : { message: rule.message }),
    isAbout: (kind, name) => matchers[kind]?.some((matches) => matches(name)) ?? false,
    holds(context, args) {
      if (!expression.usesArgs || !args) return expression.evaluate(context);
      if ('problem' in args) throw new Error(args.problem);
      const alike = expression.lookAlike(args.keys);
      if (alike !== undefined)
        throw new Error(
          `the argument ${JSON.stringify(alike.slice(0, 40))} reads like one that the rule names`,
        );
      return expression.evaluate({ ...context, args: args.value });
    },
  };
}
