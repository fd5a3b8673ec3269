/** The grammar of a policy file. The JSON Schema for editors is made of it. */
import * as z from 'zod';
import { toolGlob, toolMode } from '../config.ts';
import { overridesSchema } from '../overrides/overrides-schema.ts';
import { URL_GLOB } from './uri-forms.ts';

/** Patterns of what servers name freely: prompts, and URIs of resources. */
const nameGlob = z
  .string()
  .min(1)
  .max(1_024)
  // oxlint-disable-next-line no-control-regex
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'holds no control characters');
const urlGlob = z
  .string()
  .max(1_024)
  .regex(URL_GLOB, 'is https://HOST[:PORT][/PATH], with "*" and "?" in host and path');

const lists = <Glob extends z.ZodType>(glob: Glob) =>
  z.strictObject({
    allow: z.array(glob).optional().describe('Patterns; one of them must match. Absent: everything.'),
    deny: z.array(glob).optional().describe('Patterns; none of them may match. Stronger than the others.'),
  });

const hints = z
  .strictObject({
    tools: z.array(toolGlob).min(1),
    readOnly: z.boolean().optional().describe('In place of readOnlyHint.'),
    destructive: z.boolean().optional().describe('In place of destructiveHint.'),
  })
  .refine(({ readOnly, destructive }) => readOnly !== undefined || destructive !== undefined, {
    message: 'needs readOnly or destructive',
  })
  .refine(({ readOnly, destructive }) => !(readOnly && destructive), {
    message: 'what is read-only is not destructive',
  });

/** Characters of a scope (RFC 6749 section 3.3). */
export const SCOPE = /^[\u0021\u0023-\u005b\u005d-\u007e]{1,256}$/;

const scopes = z.strictObject({
  tools: z.array(toolGlob).min(1),
  scopes: z
    .array(z.string().regex(SCOPE, 'is a scope: printable ASCII without spaces, quotes and "\\"'))
    .min(1)
    .max(20)
    .describe('All of them must be in the token.'),
  visible: z
    .boolean()
    .default(false)
    .describe('Callers who lack them see the tools, and are told which scopes to ask for.'),
});

/** A longer one is nobody's to read, and each call pays for it. */
const MAX_EXPRESSION_CHARS = 2_048;
const MAX_RULES = 200;
const expression = z.string().min(1).max(MAX_EXPRESSION_CHARS);

const rule = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'is lower case letters, digits and "-", at most 63')
      .describe('Stands in the audit record of what it decides.'),
    tools: z.array(toolGlob).min(1).optional().describe('The tools that it is about.'),
    resources: z.array(nameGlob).min(1).optional().describe('The resources that it is about, by URI.'),
    prompts: z.array(nameGlob).min(1).optional().describe('The prompts that it is about.'),
    allow: expression.optional().describe('CEL. Of the rules with allow about a thing, one must be true.'),
    deny: expression.optional().describe('CEL. True, or an error: denied.'),
    message: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe('What a caller reads whose arguments are refused.'),
  })
  .refine(({ allow, deny }) => (allow === undefined) !== (deny === undefined), {
    message: 'needs either allow or deny',
  })
  .refine(({ tools, resources, prompts }) => tools ?? resources ?? prompts, {
    message: 'needs tools, resources or prompts: what it is about',
  });

const switched = z.enum(['allow', 'deny']);

export const policySchema = z.strictObject({
  version: z.literal(1),
  tools: lists(toolGlob)
    .extend({
      mode: toolMode.default('all').describe('By the hints of the tools; no hints count as destructive.'),
      hints: z
        .array(hints)
        .max(MAX_RULES)
        .optional()
        .describe('For servers that lie or forget; the first that matches counts.'),
      overrides: overridesSchema.optional().describe('How tools are shown to callers.'),
      scopes: z
        .array(scopes)
        .max(MAX_RULES)
        .optional()
        .describe('Scopes that the token of an OpenID provider must have; all entries that match count.'),
    })
    .prefault({}),
  resources: lists(nameGlob).optional().describe('By URI.'),
  prompts: lists(nameGlob).optional(),
  completion: switched.optional().describe('completion/complete, of what the caller may use.'),
  subscriptions: switched.optional().describe('To resources that the caller may read.'),
  elicitation: z
    .strictObject({ urls: lists(urlGlob) })
    .optional()
    .describe('URLs that the server may ask users to open.'),
  rules: z
    .array(rule)
    .max(MAX_RULES)
    .optional()
    .superRefine((rules, context) => {
      const seen = new Set<string>();
      rules?.forEach(({ name }, index) => {
        if (seen.has(name))
          context.addIssue({ code: 'custom', path: [index, 'name'], message: 'is the name of another rule' });
        seen.add(name);
      });
    }),
});

export type PolicyFile = z.infer<typeof policySchema>;
export type RuleText = NonNullable<PolicyFile['rules']>[number];
export type ScopesText = NonNullable<PolicyFile['tools']['scopes']>[number];
export type HintsText = NonNullable<PolicyFile['tools']['hints']>[number];
