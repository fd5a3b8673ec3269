/** What differs between two objects, as a strategic merge patch of kubectl and kustomize. Pure. */
import { isDeepStrictEqual } from 'node:util';

type Json = Record<string, unknown>;

/** Lists whose items are merged by their name; of others kustomize and kubectl do not agree on the key. */
const BY_NAME = ['containers', 'initContainers', 'env', 'volumes'];
const MAPS = ['annotations', 'labels'];

/** Fields that differ; null takes one away. */
export function strategicPatch(before: Json, after: Json): Json {
  const patch: Json = {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, next] = [before[key], after[key]];
    if (isDeepStrictEqual(old, next)) continue;
    // A map that is gone held what the repository's has, perhaps with more.
    const empty = next === undefined && MAPS.includes(key) ? {} : next;
    patch[key] = empty === undefined ? null : differing(key, old, empty);
  }
  return patch;
}

function differing(key: string, old: unknown, next: unknown): unknown {
  if (isObject(old) && isObject(next)) return strategicPatch(old, next);
  if (!Array.isArray(next) || !next.every(isObject)) return next;
  if (BY_NAME.includes(key) && Array.isArray(old)) return byName(old as Json[], next);
  // kustomize merges Service ports by number and protocol, and loses those that name the protocol only here or there.
  return [{ $patch: 'replace' }, ...next];
}

const byName = (old: readonly Json[], next: readonly Json[]): Json[] => [
  ...old
    .filter(({ name }) => !next.some((each) => each['name'] === name))
    .map(({ name }) => ({ name, $patch: 'delete' })),
  ...next.flatMap((each) => {
    const known = old.find(({ name }) => name === each['name']);
    if (!known) return [each];
    return isDeepStrictEqual(known, each) ? [] : [{ name: each['name'], ...strategicPatch(known, each) }];
  }),
];

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
