import { PARAM_HEADER_PREFIX } from '../client-message.ts';
import type { Exchange } from '../exchange.ts';
import { asRecord } from '../json/record.ts';
import { mirroredValue } from '../mirrored-value.ts';
import { refuse, type Refusal } from '../reasons.ts';

/** An argument of a tool that clients repeat in `Mcp-Param-NAME` (2026-07-28, `x-mcp-header`). */
export interface MirroredParam {
  /** In lower case, with the prefix. */
  readonly header: string;
  /** From `arguments` down. */
  readonly path: readonly string[];
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const MIRRORED_TYPES = new Set<unknown>(['string', 'integer', 'boolean', 'number']);
/** Of schemas within schemas; more is not looked at. */
const MAX_DEPTH = 16;

/** Those that `properties` alone lead to. A schema with one that is against the rules has none: clients drop the tool. */
export function mirroredParams(inputSchema: unknown): MirroredParam[] {
  const found: MirroredParam[] = [];
  const walk = (schema: unknown, path: readonly string[]): boolean => {
    const { properties } = asRecord(schema);
    return Object.entries(asRecord(properties)).every(([key, each]) => {
      const property = asRecord(each);
      const name = property['x-mcp-header'];
      const at = [...path, key];
      if (name !== undefined) {
        const header = `${PARAM_HEADER_PREFIX}${String(name).toLowerCase()}`;
        const sound =
          typeof name === 'string' &&
          TOKEN.test(name) &&
          MIRRORED_TYPES.has(property['type']) &&
          !found.some((other) => other.header === header);
        if (!sound) return false;
        found.push({ header, path: at });
      }
      return at.length >= MAX_DEPTH || walk(property, at);
    });
  };
  return walk(inputSchema, []) ? found : [];
}

export const argumentAt = (args: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((inner, key) => asRecord(inner)[key], args);

/** Why the headers do not repeat the arguments. */
export function mirroredParamsProblem(
  { message, head }: Exchange,
  mirrored: readonly MirroredParam[],
): Refusal | undefined {
  const span = message?.document.params.get('arguments');
  const args: unknown = span && JSON.parse(message?.raw.toString('utf8', span.start, span.end) ?? '');
  for (const { header, path } of mirrored) {
    const expected = argumentAt(args, path);
    const given = head.headers[header];
    const absent = expected === undefined || expected === null;
    if (absent && given === undefined) continue;
    if (absent) return refuse('header-mismatch', `${header} is there without its argument`);
    if (typeof given !== 'string') return refuse('header-mismatch', `${header} is missing`);
    const value = mirroredValue(given);
    if (value === undefined) return refuse('header-mismatch', `${header} is malformed`);
    if (!same(value, expected)) return refuse('header-mismatch', `${header} is not what the body says`);
  }
  return undefined;
}

/** Numbers compare as such: 42.0 is 42. */
const same = (value: string, expected: unknown): boolean =>
  typeof expected === 'number'
    ? value.trim() !== '' && Number(value) === expected
    : value === String(expected);
