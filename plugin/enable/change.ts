/** One object before and after; a plan is a list of these. Pure. */
import type { KubernetesObject } from '@kubernetes/client-node';
import { isDeepStrictEqual } from 'node:util';

export interface Change {
  /** Absent: the object is created. */
  readonly before?: KubernetesObject;
  /** Absent: the object is deleted. */
  readonly after?: KubernetesObject;
  /** kubectl's word for what is done: `created`, `enabled`, `repointed`. */
  readonly done: string;
  /** A line each, shown below the object's. */
  readonly details: readonly string[];
}

/** What is done before the template, to it, and when its pods are ready. */
export interface Plan {
  /** Rolls out before all else: the server's port answers other pods again. */
  readonly opens?: Change;
  readonly before: readonly Change[];
  readonly template?: Change;
  readonly after: readonly Change[];
  /** Rolls out when nobody needs the server's port any more: its server listens on the loopback alone. */
  readonly closes?: Change;
  /** In the end the server's port is dialled, and must not answer. */
  readonly dials?: boolean;
  /** Said on stderr; nothing is held up. */
  readonly warnings: readonly string[];
  /** Each stops the command unless `--force` is given. */
  readonly refusals: readonly string[];
  /** What cannot work; nothing overrides it. */
  readonly faults: readonly string[];
}

export const changesOf = (plan: Plan): Change[] => [
  ...(plan.opens ? [plan.opens] : []),
  ...plan.before,
  ...(plan.template ? [plan.template] : []),
  ...plan.after,
  ...(plan.closes ? [plan.closes] : []),
];

/** As changes of objects, each once: not in the order in which they are done. */
export function objectChangesOf(plan: Plan): Change[] {
  const template = templateChangeOf(plan);
  return [...plan.before, ...(template ? [template] : []), ...plan.after];
}

/** The template from how it is to how it will be, however many rollouts that takes. */
export function templateChangeOf({ opens, template, closes }: Plan): Change | undefined {
  const steps = [opens, template, closes].filter((each) => each !== undefined);
  const [first, last] = [steps[0], steps.at(-1)];
  if (!first || !last || first === last) return first;
  const details = steps.flatMap((each) => each.details);
  return { before: first.before!, after: last.after!, done: first.done, details };
}

/** The change that takes this one back. */
export const undoOf = (change: Change): Change => ({
  ...(change.after && { before: change.after }),
  ...(change.before && { after: change.before }),
  done: change.after ? (change.before ? 'restored' : 'deleted') : 'created',
  details: [],
});

type Json = Record<string, unknown>;

/**
 * RFC 7386: only what differs, so that a writer of other fields is not overwritten. An array that differs travels
 * whole, therefore together with the resourceVersion that was read: a change in between is a conflict.
 */
export function mergePatch(before: KubernetesObject, after: KubernetesObject): Json {
  const patch = difference(before as Json, after as Json);
  const version = before.metadata?.resourceVersion;
  if (version === undefined || !holdsArray(patch)) return patch;
  return { ...patch, metadata: { ...(patch.metadata as Json), resourceVersion: version } };
}

function difference(before: Json, after: Json): Json {
  const patch: Json = {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, next] = [before[key], after[key]];
    if (isDeepStrictEqual(old, next)) continue;
    if (next === undefined) patch[key] = null;
    else patch[key] = isObject(old) && isObject(next) ? difference(old, next) : next;
  }
  return patch;
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const holdsArray = (value: unknown): boolean =>
  Array.isArray(value) || (isObject(value) && Object.values(value).some(holdsArray));
