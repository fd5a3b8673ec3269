import { LineCounter, isMap, isNode, isScalar, isSeq, parseDocument } from 'yaml';
import type { Document, Node } from 'yaml';
import { faultLines } from '../fault-lines.ts';
import { policySchema, type PolicyFile, type RuleText } from './policy-schema.ts';
import type { Rule } from './rules.ts';

/** The key of the ConfigMap. */
export const POLICY_KEY = 'policy.yaml';

export interface ReadPolicy {
  readonly policy: PolicyFile;
  /** Empty where none compiles them. */
  readonly rules: readonly Rule[];
}

/** People write it; larger ones take a parser longer than calls should wait. */
const MAX_CHARS = 64 * 1024;

/**
 * Reads a policy, YAML 1.2 or JSON. One fault and there is no policy; all of them are told, a line each.
 * @param compile of `rules.ts`, which loads a library: where it is not given, rules are read and not understood
 */
export function readPolicy(
  text: string,
  compile?: (rule: RuleText) => Rule | { readonly fault: string },
): ReadPolicy | { readonly faults: string[] } {
  if (text.length > MAX_CHARS) return { faults: [`is longer than ${MAX_CHARS} characters`] };
  const lineCounter = new LineCounter();
  let document: Document.Parsed;
  let value: unknown;
  try {
    document = parseDocument(text, {
      version: '1.2',
      schema: 'core',
      strict: true,
      uniqueKeys: true,
      lineCounter,
    });
    const syntax = [...document.errors, ...document.warnings];
    if (syntax.length > 0) return { faults: syntax.map(({ message }) => inWords(message)) };
    // A policy that people read has no need of aliases, and they are how small files become large.
    value = document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    return { faults: [inWords((error as Error).message)] };
  }
  const result = policySchema.safeParse(value);
  // Records pass over it without a word.
  if (result.success && hasProto(value)) return { faults: ['holds the key "__proto__"'] };
  const lineAt = (path: PropertyKey[]): string =>
    `(line ${lineCounter.linePos(offsetOf(document, path)).line})`;
  if (!result.success)
    return {
      faults: result.error.issues.flatMap((issue) => {
        const paths =
          issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
        return faultLines(value, issue).map((words, index) => `${words} ${lineAt(paths[index]!)}`);
      }),
    };
  const made = compile ? (result.data.rules ?? []).map(compile) : [];
  const faults = made.flatMap((each, index) =>
    'fault' in each ? [`rules.${index}.${each.fault} ${lineAt(['rules', index])}`] : [],
  );
  return faults.length > 0 ? { faults } : { policy: result.data, rules: made.filter((each) => 'id' in each) };
}

const hasProto = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (Object.hasOwn(value, '__proto__') || Object.values(value).some(hasProto));

/** Where the last key of the path stands, or as much of it as there is. */
function offsetOf({ contents }: Document.Parsed, path: PropertyKey[]): number {
  let node: unknown = contents;
  let offset = startOf(node) ?? 0;
  for (const key of path) {
    const pair = isMap(node) ? node.items.find((each) => nameOf(each.key) === String(key)) : undefined;
    const item = isSeq(node) ? node.items[Number(key)] : undefined;
    offset = startOf(pair?.key ?? item) ?? offset;
    node = pair?.value ?? item;
  }
  return offset;
}

const startOf = (node: unknown): number | undefined => (isNode(node) ? (node as Node).range?.[0] : undefined);
const nameOf = (key: unknown): string => String(isScalar(key) ? key.value : key);

function inWords(message: string): string {
  if (/\balias\b/i.test(message))
    return 'not YAML as it is read here: put patterns that begin with "*" into quotes, for without them they are references';
  // What follows the first line shows the place with a mark under it.
  return `not YAML: ${(message.split('\n', 1)[0] ?? '').replace(/:$/, '')}`;
}
