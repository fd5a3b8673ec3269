/** `--arg k=v` and `k:=json` → a tool's arguments, typed by its inputSchema. Pure. */
import { usageError } from '../errors.ts';

/** The part of JSON Schema that decides how a word is read. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema | boolean>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema | boolean;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly definitions?: Readonly<Record<string, Schema>>;
}

/**
 * @throws {CliError} for an argument that the schema does not know, a value that is not of its type, or a required
 * one that is missing. What else the schema demands is the server's to judge.
 */
export function parseArguments(words: readonly string[], schema: Schema): Record<string, unknown> {
  // A map: an argument may be called like anything, `__proto__` included.
  const values = new Map<string, unknown>();
  for (const word of words) {
    const { key, raw, json } = split(word);
    const own = propertyOf(schema, key);
    if (json) values.set(key, parseJson(raw, key));
    else if (isArray(own, schema) && !raw.startsWith('[')) {
      const items = own && typeof own.items === 'object' ? own.items : {};
      const before = (values.get(key) as unknown[] | undefined) ?? [];
      values.set(key, [...before, typed(raw, key, items, schema)]);
    } else values.set(key, typed(raw, key, own ?? {}, schema));
  }
  checkRequired(values, schema);
  return Object.fromEntries(values);
}

function split(word: string): { key: string; raw: string; json: boolean } {
  const at = word.indexOf('=');
  const json = at > 0 && word[at - 1] === ':';
  const key = word.slice(0, json ? at - 1 : at);
  if (at < 1 || key === '') {
    throw usageError(`invalid argument "${word}" for "--arg" flag: expected NAME=VALUE or NAME:=JSON`);
  }
  return { key, raw: word.slice(at + 1), json };
}

function propertyOf(schema: Schema, key: string): Schema | undefined {
  const own = schema.properties && Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined;
  if (own !== undefined) return typeof own === 'object' ? resolve(own, schema) : {};
  if (
    schema.additionalProperties === false ||
    (schema.properties && schema.additionalProperties === undefined)
  ) {
    const known = Object.keys(schema.properties ?? {});
    throw usageError(
      `the tool has no argument "${key}"; it takes ${known.map((each) => `"${each}"`).join(', ') || 'none'} (--json sends anything)`,
    );
  }
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
}

/** Only references into the schema itself; one that leads nowhere says nothing about the type. */
function resolve(schema: Schema, root: Schema, depth = 0): Schema {
  const [, pool, name] = /^#\/(\$defs|definitions)\/([^/]+)$/.exec(schema.$ref ?? '') ?? [];
  if (!pool || !name || depth > 8) return schema;
  const found = (pool === '$defs' ? root.$defs : root.definitions)?.[name];
  return found ? resolve(found, root, depth + 1) : schema;
}

function typesOf(schema: Schema, root: Schema): string[] {
  const { type, anyOf, oneOf } = resolve(schema, root);
  const enumerated = resolve(schema, root).enum?.map((each) => (each === null ? 'null' : typeof each)) ?? [];
  const own = type === undefined ? enumerated : [type].flat();
  return [...own, ...[...(anyOf ?? []), ...(oneOf ?? [])].flatMap((each) => typesOf(each, root))];
}

const isArray = (schema: Schema | undefined, root: Schema): boolean =>
  schema !== undefined && typesOf(schema, root).includes('array');

// In the order in which a word is tried; a string is what is left.
const READERS: Readonly<Record<string, (raw: string) => unknown>> = {
  null: (raw) => (raw === 'null' ? null : undefined),
  boolean: (raw) => (raw === 'true' ? true : raw === 'false' ? false : undefined),
  integer: (raw) => (/^-?\d+$/.test(raw) ? safeNumber(raw) : undefined),
  number: (raw) => (/^-?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(raw) ? safeNumber(raw) : undefined),
  array: (raw) => asJson(raw, (value) => Array.isArray(value)),
  object: (raw) =>
    asJson(raw, (value) => typeof value === 'object' && value !== null && !Array.isArray(value)),
};

function typed(raw: string, key: string, schema: Schema, root: Schema): unknown {
  const types = typesOf(schema, root);
  // A tool that takes text takes it as it stands: "42" for a string must not become a number.
  if (types.length === 0 || types.includes('string')) return raw;
  for (const [type, read] of Object.entries(READERS)) {
    const value = types.includes(type) ? read(raw) : undefined;
    if (value !== undefined) return value;
  }
  throw usageError(
    `argument "${key}": "${raw}" is not ${types.join(' or ')}, as the tool's schema demands; ${key}:=JSON sends any value`,
  );
}

// Past 2^53 a number would arrive as another one.
function safeNumber(raw: string): number | undefined {
  const value = Number(raw);
  return Number.isFinite(value) && (Number.isSafeInteger(value) || !Number.isInteger(value))
    ? value
    : undefined;
}

function asJson(raw: string, isWanted: (value: unknown) => boolean): unknown {
  try {
    const value: unknown = JSON.parse(raw);
    return isWanted(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function parseJson(raw: string, key: string): unknown {
  try {
    return JSON.parse(raw);
  } catch (error) {
    throw usageError(`argument "${key}": not JSON: ${(error as Error).message}`);
  }
}

function checkRequired(values: ReadonlyMap<string, unknown>, schema: Schema): void {
  const missing = (schema.required ?? []).filter((each) => !values.has(each));
  if (missing.length === 0) return;
  const wanted = missing.map((each) => {
    const own = schema.properties?.[each];
    const types = typeof own === 'object' ? typesOf(own, schema) : [];
    return `--arg ${each}=${types.length > 0 ? `<${types.join('|')}>` : '<value>'}`;
  });
  throw usageError(`the tool needs ${wanted.join(' ')}`);
}
