/** What a policy file says of how tools are shown: `tools.overrides`. */
import * as z from 'zod';

const toolName = z
  .string()
  .regex(/^[A-Za-z0-9_./-]{1,128}$/, 'is a name of at most 128 letters, digits, "_-./", and no pattern');
const argumentName = z
  .string()
  .min(1)
  .max(256)
  // oxlint-disable-next-line no-control-regex
  .regex(/^(?!__proto__$)[^\u0000-\u001f\u007f]*$/, 'is no name of an argument');
const MAX_TEXT_CHARS = 8_192;
const MAX_OVERRIDES = 200;
/** Sent with every call. */
const MAX_FIXED_CHARS = 16 * 1024;
const MAX_DEPTH = 16;
const text = z.string().max(MAX_TEXT_CHARS);

const fixedValue = z
  .unknown()
  .refine((value) => isJson(value, 0), 'is no JSON, or holds an integer beyond 2^53')
  .refine(
    (value) => (JSON.stringify(value) ?? '').length <= MAX_FIXED_CHARS,
    `is longer than ${MAX_FIXED_CHARS} characters`,
  );

const override = z
  .strictObject({
    tool: toolName.describe("The server's own name of it, by which all else in this file speaks of it."),
    name: toolName.optional().describe('What callers know it by; its own name is unknown to them then.'),
    title: text.optional(),
    description: text.optional(),
    annotations: z
      .strictObject({
        title: text.optional(),
        readOnlyHint: z.boolean().optional(),
        destructiveHint: z.boolean().optional(),
        idempotentHint: z.boolean().optional(),
        openWorldHint: z.boolean().optional(),
      })
      .optional()
      .describe('What clients are told. What mode and rules go by is in tools.hints.'),
    arguments: z
      .strictObject({
        fixed: z
          .record(argumentName, fixedValue)
          .optional()
          .describe('Sent to the server in every call; callers neither see nor send them.'),
        hidden: z
          .array(argumentName)
          .min(1)
          .optional()
          .describe('Callers neither see nor send them, and the server is sent none.'),
      })
      .optional(),
  })
  .superRefine(({ tool: _, ...shown }, context) => {
    if (Object.keys(shown).length === 0)
      context.addIssue({ code: 'custom', message: 'says nothing but the name of a tool' });
    const { fixed = {}, hidden = [] } = shown.arguments ?? {};
    hidden.forEach((name, index) => {
      if (Object.hasOwn(fixed, name) || hidden.indexOf(name) < index)
        context.addIssue({
          code: 'custom',
          path: ['arguments', 'hidden', index],
          message: 'is in fixed or hidden already',
        });
    });
  });

export type OverrideText = z.infer<typeof override>;

export const overridesSchema = z
  .array(override)
  .max(MAX_OVERRIDES)
  .superRefine((overrides, context) => {
    const named = new Set<string>();
    const shown = new Set<string>();
    overrides.forEach(({ tool, name }, index) => {
      const fault = (key: string, message: string): void =>
        context.addIssue({ code: 'custom', path: [index, key], message });
      if (named.has(tool)) fault('tool', 'has two overrides');
      named.add(tool);
      const own = name ?? tool;
      if (shown.has(own)) fault(name === undefined ? 'tool' : 'name', 'is the name of another override');
      shown.add(own);
    });
  });

function isJson(value: unknown, depth: number): boolean {
  if (depth > MAX_DEPTH) return false;
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number')
    return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
  if (typeof value !== 'object') return false;
  return Object.entries(value).every(
    ([key, inner]) => key !== '__proto__' && !key.includes('\0') && isJson(inner, depth + 1),
  );
}
