/** Which arguments a tool has, and whether its schema can be shown without some of them. Pure. */
import { asRecord } from '../json/record.ts';
import { fold } from '../json/shapes.ts';
import type { OverriddenArguments } from './compile-overrides.ts';

export interface ArgumentShape {
  readonly names: readonly string[];
  /** Without which the server refuses a call. */
  readonly needed: readonly string[];
  /** Why nobody can be sure what the schema would mean with less in it. */
  readonly fault?: string;
}

/** What speaks of no argument, or of one that it names. Others may speak of any: `allOf`, `dependentRequired`, `not`. */
const PLAIN = new Set([
  '$schema',
  '$comment',
  '$defs',
  'definitions',
  'type',
  'title',
  'description',
  'properties',
  'required',
  'additionalProperties',
]);
/** These change what a reference within the schema means. */
const MOVING = ['$id', '$anchor', '$dynamicRef', '$dynamicAnchor', '$recursiveRef', '$recursiveAnchor'];
const DEFINITION = /^#\/(\$defs|definitions)\/([^~%/]+)(?:\/|$)/;
const MAX_DEPTH = 64;
const MAX_QUOTED_CHARS = 80;

export function argumentShape(inputSchema: unknown): ArgumentShape {
  const schema = asRecord(inputSchema);
  const properties = asRecord(schema['properties']);
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  const fault = faultOf(schema);
  return {
    names: Object.keys(properties),
    needed: required.map(String).filter((name) => !Object.hasOwn(asRecord(properties[name]), 'default')),
    ...(fault === undefined ? {} : { fault }),
  };
}

/** Why these arguments cannot be taken from what callers see and send. */
export function argumentFault({ removed }: OverriddenArguments, shape: ArgumentShape): string | undefined {
  if (shape.fault !== undefined) return shape.fault;
  for (const name of removed) {
    if (!shape.names.includes(name)) return `it has no argument ${JSON.stringify(name)}`;
    const alike = shape.names.find((other) => other !== name && fold(other) === fold(name));
    if (alike !== undefined)
      return `its arguments ${JSON.stringify(name)} and ${JSON.stringify(alike)} may be read as one`;
  }
  return undefined;
}

/** Definitions that a schema leads to, those that these lead to included. */
export function definitionsIn(
  schemas: unknown,
  definitions: (key: string, name: string) => unknown,
): Set<string> {
  const found = new Set<string>();
  const follow = (schema: unknown): void =>
    visitMembers(schema, 0, (key, value) => {
      const [, of, name] = (key === '$ref' && typeof value === 'string' && DEFINITION.exec(value)) || [];
      if (!of || !name || found.has(`${of}/${name}`)) return;
      found.add(`${of}/${name}`);
      follow(definitions(of, name));
    });
  follow(schemas);
  return found;
}

function faultOf(schema: Record<string, unknown>): string | undefined {
  const odd = Object.keys(schema).find((key) => !PLAIN.has(key));
  if (odd !== undefined) return `its inputSchema has ${JSON.stringify(odd)}`;
  const { type, additionalProperties: more } = schema;
  if (type !== 'object') return 'the type in its inputSchema is not "object"';
  if (typeof more === 'object' && more !== null && Object.keys(more).length > 0)
    return 'its inputSchema takes arguments of any name';
  let fault: string | undefined;
  visitMembers(schema, 0, (key, value) => {
    if (MOVING.includes(key)) fault ??= `its inputSchema has ${JSON.stringify(key)}`;
    else if (key === '$ref' && !DEFINITION.test(String(value)))
      fault ??= `its inputSchema refers to ${JSON.stringify(value)?.slice(0, MAX_QUOTED_CHARS)}`;
  });
  return fault;
}

/** Members at any depth; a property that is named like a keyword is taken for one, which is the safe side. */
function visitMembers(value: unknown, depth: number, visit: (key: string, value: unknown) => void): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > MAX_DEPTH) return visit('$id', undefined);
  for (const [key, inner] of Object.entries(value)) {
    if (!Array.isArray(value)) visit(key, inner);
    visitMembers(inner, depth + 1, visit);
  }
}
