/** Expressions of rules: CEL, by a library that pods without rules never load. */
import { Environment, type ASTNode } from '@marcbachmann/cel-js';
import { globMatcher } from '../glob.ts';
import { fold } from '../json/shapes.ts';

/** What expressions may name, and the fields of each; `args` are the tool's own. */
export const VARIABLES = {
  principal: [
    'name',
    'kind',
    'issuer',
    'groups',
    'actors',
    'scopes',
    'claims',
    'namespace',
    'serviceAccount',
  ],
  request: ['method', 'address'],
  tool: ['name', 'readOnly', 'destructive'],
  resource: ['uri'],
  prompt: ['name'],
  args: undefined,
} as const;
export type Variable = keyof typeof VARIABLES;
export type Context = Partial<Record<Variable, unknown>>;

export interface Expression {
  readonly usesArgs: boolean;
  /** @throws when it cannot be told: a field that is not there, values that cannot be compared */
  evaluate(context: Context): boolean;
  /** A key of the arguments that a server may take for one that the expression reads: `Namespace` for `namespace`. */
  lookAlike(keys: ReadonlySet<string>): string | undefined;
}

const LIMITS = { maxAstNodes: 500, maxDepth: 50, maxListElements: 200, maxMapEntries: 50 };
/** They go through lists, or make values larger: not within each other. */
const MACROS = new Set(['all', 'exists', 'exists_one', 'map', 'filter', 'bind']);
const MAX_FAULT_CHARS = 200;

const environments = new Map<string, Environment>();

/** @param variables those that there are where the rule is asked */
export function compileExpression(
  text: string,
  variables: readonly Variable[],
): Expression | { readonly fault: string } {
  try {
    const parsed = environmentOf(variables).parse(text);
    const found: Found = { names: new Set(), fields: new Set() };
    const fault = look(parsed.ast, found, false);
    if (fault) return { fault };
    const checked = parsed.check();
    if (!checked.valid) return { fault: firstLine(checked.error) };
    if (checked.type !== 'bool' && checked.type !== 'dyn')
      return { fault: `comes to ${checked.type}, not to true or false` };
    const folded = new Set([...found.fields].map(fold));
    return {
      usesArgs: found.names.has('args'),
      evaluate(context) {
        const value: unknown = parsed(context);
        if (typeof value !== 'boolean') throw new TypeError('comes to neither true nor false');
        return value;
      },
      lookAlike(keys) {
        for (const key of keys) if (!found.fields.has(key) && folded.has(fold(key))) return key;
        return undefined;
      },
    };
  } catch (error) {
    return { fault: firstLine(error) };
  }
}

function environmentOf(variables: readonly Variable[]): Environment {
  const key = variables.join();
  const known = environments.get(key);
  if (known) return known;
  const made = new Environment({
    unlistedVariablesAreDyn: false,
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
    limits: LIMITS,
  });
  for (const name of variables) made.registerVariable(name, 'map');
  made.registerFunction('string.glob(string): bool', (value: string, glob: string) =>
    globMatcher(glob)(value),
  );
  environments.set(key, made);
  return made;
}

interface Found {
  readonly names: Set<string>;
  /** Every key that is asked for anywhere: enough to know which look-alikes matter. */
  readonly fields: Set<string>;
}

/** What the library would let pass. */
function look(node: ASTNode, found: Found, inMacro: boolean): string | undefined {
  let within = inMacro;
  if (node.op === 'id') found.names.add(node.args);
  if (node.op === '[]' || node.op === '[?]') addKey(node.args[1], found);
  if (node.op === 'in') addKey(node.args[0], found);
  if (node.op === '.' || node.op === '.?') {
    const [base, field] = node.args as unknown as [ASTNode, string | ASTNode];
    const name = typeof field === 'string' ? field : String(field.args);
    found.fields.add(name);
    const known = base.op === 'id' ? fieldsOf(base.args) : undefined;
    if (base.op === 'id' && known && !known.includes(name))
      return `${base.args} has no field "${name}"; it has ${known.join(', ')}`;
  }
  if (node.op === 'call' || node.op === 'rcall') {
    const [name] = node.args;
    // Regular expressions of JavaScript can take longer than anybody waits, at a caller's choice.
    if (name === 'matches')
      return 'matches() is not offered; use glob(), startsWith(), endsWith(), contains()';
    if (node.op === 'rcall' && MACROS.has(name)) {
      if (inMacro) return `${name}() stands within another of ${[...MACROS].join(', ')}`;
      const fault = look(node.args[1], found, inMacro);
      if (fault) return fault;
      within = true;
      return firstFault(node.args[2], found, within);
    }
  }
  return firstFault(node.args, found, within);
}

function addKey({ op, args }: ASTNode, { fields }: Found): void {
  if (op === 'value' && typeof args === 'string') fields.add(args);
}

function firstFault(args: unknown, found: Found, inMacro: boolean): string | undefined {
  if (Array.isArray(args)) {
    for (const each of args) {
      const fault = firstFault(each, found, inMacro);
      if (fault) return fault;
    }
    return undefined;
  }
  return isNode(args) ? look(args, found, inMacro) : undefined;
}

const isNode = (value: unknown): value is ASTNode =>
  typeof value === 'object' && value !== null && 'op' in value && 'args' in value;

const fieldsOf = (name: string): readonly string[] | undefined =>
  Object.hasOwn(VARIABLES, name) ? VARIABLES[name as Variable] : undefined;

/** What follows shows the place with a mark under it. */
const firstLine = (error: unknown): string =>
  String((error as Error | undefined)?.message ?? error)
    .split('\n', 1)[0]!
    .slice(0, MAX_FAULT_CHARS);
