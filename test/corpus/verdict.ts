import { hash } from 'node:crypto';
import type { AuditRecord } from '../sidecar/wire/start-sidecar.ts';
import type { Input } from './input.ts';
import type { Act } from './recorders.ts';

/** What became of one input at one server. */
export interface Passage {
  readonly recorder: string;
  readonly modern: boolean;
  /** Of the answers that the client got. */
  readonly statuses: readonly number[];
  readonly audit: readonly AuditRecord[];
  readonly acts: readonly Act[];
}

/** Audit lines keep no more of a name (container runtimes split long lines). */
const MAX_NAME_CHARS = 512;

/** What is wrong with the passages of one input through the servers; empty when they are as the corpus demands. */
export function faultsOf(input: Input, passages: readonly Passage[]): string[] {
  return [
    ...passages.flatMap((passage) => [...disagreements(passage), ...unexpected(input, passage)]),
    ...differences(passages),
  ];
}

/** Every act needs its own audit line that says so. */
export function disagreements({ recorder, audit, acts }: Passage): string[] {
  // Go has the empty text for what is missing.
  const lines = audit.map(({ target }) => ({ method: target.method, name: target.name || undefined }));
  return acts.flatMap((act) => {
    const name = asAudited(nameOf(act));
    const at = lines.findIndex((line) => line.method === act.method && line.name === name);
    if (at >= 0) lines.splice(at, 1);
    return at >= 0
      ? []
      : [`${recorder} did ${act.method} ${JSON.stringify(name)}, the audit says ${JSON.stringify(lines)}`];
  });
}

/** The end of a long name is in the digest. */
const asAudited = (name: string | undefined): string | undefined =>
  name !== undefined && name.length > MAX_NAME_CHARS
    ? `${name.slice(0, MAX_NAME_CHARS)}… ${hash('sha256', name, 'base64url').slice(0, 16)}`
    : name;

/** Servers that acted must have understood the same; two requests may overtake one another. */
export function differences(passages: readonly Passage[]): string[] {
  const acted = passages.filter(({ acts }) => acts.length > 0);
  const [first, ...rest] = acted;
  const reading = ({ acts }: Passage): string =>
    acts
      .map((act) => canonical(essence(act)))
      .toSorted()
      .join(', ');
  return rest
    .filter((each) => reading(each) !== reading(first!))
    .map(
      (each) =>
        `${first!.recorder} understood ${short(reading(first!))}, ${each.recorder} ${short(reading(each))}`,
    );
}

function unexpected(
  { expect, era, refusedBy = [] }: Input,
  { recorder, modern, statuses, acts }: Passage,
): string[] {
  if (expect === 'refused') {
    const passed = acts.length > 0 || statuses.some((status) => !isRefusal(status));
    return passed ? [`${recorder} was reached: ${acts.length} acts, answers ${statuses}`] : [];
  }
  if (refusedBy.includes(recorder)) return [];
  if (expect === 'understood' && (era === 'legacy' || modern) && (acts.length !== 1 || statuses[0] !== 200))
    return [`${recorder} did not act: answers ${statuses}`];
  return [];
}

/** Gateway errors would mean that a server was asked. */
const isRefusal = (status: number): boolean =>
  (status >= 400 && status < 500) || status === 501 || status === 505;

function nameOf({ params }: Act): string | undefined {
  const reference = (params?.['ref'] ?? {}) as Record<string, unknown>;
  const name = reference['type'] === 'ref/resource' ? reference['uri'] : reference['name'];
  return (name || params?.['name'] || params?.['uri'] || undefined) as string | undefined;
}

/** Method, name, uri, reference, arguments and progress token; members without a value are none. */
function essence({ method, params }: Act): unknown {
  const { name, uri, arguments: given, ref, argument, _meta: meta } = params ?? {};
  return {
    method,
    name: name || undefined,
    uri: uri || undefined,
    given: given ?? undefined,
    reference: ref && { ...(ref as object), title: undefined },
    argument,
    progressToken: (meta as Record<string, unknown> | undefined)?.['progressToken'] ?? undefined,
  };
}

/** Equal for equal values: members in the order of their names, numbers as doubles. */
function canonical(value: unknown): string {
  try {
    return JSON.stringify(value, (_, each: unknown) =>
      typeof each === 'object' && each !== null && !Array.isArray(each)
        ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : each === Infinity || each === -Infinity
          ? String(each)
          : each,
    );
  } catch (error) {
    if (error instanceof RangeError) return 'something too deep to compare';
    throw error;
  }
}
const short = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}…` : text);
