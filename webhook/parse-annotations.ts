/** The annotations of a pod against their table: values, or every fault. */
import { closestMatch } from 'leven';
import { ANNOTATIONS, ANNOTATION_KEYS } from './annotations.ts';
import type { Annotation, InjectionRequest } from './annotations.ts';
import { PREFIX } from './names.ts';
import { refuse } from './refusals.ts';
import type { Refusal } from './refusals.ts';

type Annotations = Record<string, string> | undefined;

/** Our keys among a pod's annotations, without the prefix. */
export const ownKeys = (annotations: Annotations): string[] =>
  Object.keys(annotations ?? {})
    .filter((each) => each.startsWith(PREFIX))
    .map((each) => each.slice(PREFIX.length));

/** Every fault at once. Does not look at the pod: whether a port or container is there, `inject()` says. */
export function parseAnnotations(
  annotations: Annotations,
): { request: InjectionRequest } | { refusals: Refusal[] } {
  const given = ownKeys(annotations);
  const text = (key: string): string | undefined => annotations?.[PREFIX + key];
  const values: Record<string, unknown> = {};
  const refusals = given.flatMap((key) => unknownKey(key, text(key)));
  if (text('inject') === undefined) {
    const beside = given.map((each) => PREFIX + each).join(', ') || 'nothing of ours';
    refusals.push(
      refuse(
        'InjectMissing',
        'inject',
        undefined,
        `is missing beside ${beside}`,
        'set it to "true" or "false"',
      ),
    );
  }
  for (const key of ANNOTATION_KEYS) {
    const { grammar, allowed, needs, insteadOf, ...entry }: Annotation = ANNOTATIONS[key];
    const value = text(key);
    const wanted =
      needs && (text(needs.key) ?? (ANNOTATIONS as Record<string, Annotation>)[needs.key]?.default);
    if (value !== undefined && needs && wanted !== needs.value) {
      const other = `${PREFIX}${needs.key}: "${needs.value}"`;
      refusals.push(
        refuse(
          'NoEffect',
          key,
          value,
          `has no effect without ${other}`,
          `set that, or remove ${PREFIX}${key}`,
        ),
      );
    }
    if (value !== undefined && insteadOf && text(insteadOf) !== undefined) {
      refusals.push(
        refuse(
          'SaidTwice',
          key,
          value,
          `stands beside ${PREFIX}${insteadOf}`,
          'both say the same: remove one of them',
        ),
      );
    }
    const parsed = grammar.safeParse(value ?? entry.default);
    if (parsed.success) values[key] = parsed.data;
    else if (value !== undefined)
      refusals.push(refuse('ValueInvalid', key, value, 'is not allowed', `set it to ${allowed}`));
  }
  if (text('auth') === 'token' && text('token-secret') === undefined && text('token-volume') === undefined) {
    refusals.push(
      refuse(
        'TokensMissing',
        'auth',
        'token',
        `needs ${PREFIX}token-secret or ${PREFIX}token-volume`,
        'name the Secret there, each of its keys is a caller; or the volume, each of its files is one',
      ),
    );
  }
  if (values['listen-port'] !== undefined && values['listen-port'] === values['admin-port']) {
    const key = text('listen-port') === undefined ? 'admin-port' : 'listen-port';
    refusals.push(
      refuse(
        'PortsEqual',
        key,
        text(key),
        'is both listen-port and admin-port',
        'give them different numbers',
      ),
    );
  }
  return refusals.length > 0 ? { refusals } : { request: values as InjectionRequest };
}

function unknownKey(key: string, value: string | undefined): Refusal[] {
  if (Object.hasOwn(ANNOTATIONS, key)) return [];
  const nearest = closestMatch(key, ANNOTATION_KEYS, { maxDistance: Math.max(2, Math.ceil(key.length / 3)) });
  const mend = nearest
    ? `perhaps ${PREFIX}${nearest} is meant`
    : `remove it; known keys: ${ANNOTATION_KEYS.join(', ')}`;
  return [refuse('KeyUnknown', key, value, 'is not a known annotation', mend)];
}
