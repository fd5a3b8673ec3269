import type { Random } from '../engine/random.ts';
import type { JsonNode } from '../oracles/json-tree.ts';

const SCALARS = [
  'true',
  'false',
  'null',
  '0',
  '-0',
  '1',
  '-1.5e3',
  '1E+2',
  '12345678901234567890',
  '""',
  '"a"',
  '"x y"',
  '"\\""',
  '"\\\\"',
  '"\\\\\\""',
  '"\\u0061"',
  '"\\ud83d\\ude00"',
  '"\\ud800"',
  '"\u00e9"',
  '"{"',
  '"]"',
  '"a,b"',
  '"\\/"',
  '"\\u0000"',
];

/** JSON, most of it small. */
export function jsonText(random: Random, keys: readonly string[], depth: number): string {
  const kind = depth > 0 ? random.int(4) : 0;
  const space = (): string => (random.chance(0.1) ? random.pick([' ', '\n', '\t', '\r\n']) : '');
  if (kind < 2) return random.pick(SCALARS);
  const parts = Array.from({ length: random.int(4) }, () =>
    kind === 2
      ? `${space()}${jsonText(random, keys, depth - 1)}`
      : `${space()}${JSON.stringify(random.pick(keys))}${space()}:${jsonText(random, keys, depth - 1)}${space()}`,
  ).join(',');
  return kind === 2 ? `[${parts}${space()}]` : `{${parts}${space()}}`;
}

/** 1 for a value without others in it that has braces or brackets. */
export function depthOf({ members, elements }: JsonNode): number {
  const inside = members?.map(([, node]) => node) ?? elements;
  return inside ? 1 + inside.reduce((deepest, node) => Math.max(deepest, depthOf(node)), 0) : 0;
}
