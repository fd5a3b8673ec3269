/** `KEY` and `SERVER.KEY`: which servers the annotations name, and what they say of each. */
import { closestMatch } from 'leven';
import { ANNOTATIONS, ANNOTATION_KEYS, scopeOf } from './annotations.ts';
import type { AnnotationKey } from './annotations.ts';
import type { Annotation } from './grammar.ts';
import { idleBecause } from './idle-keys.ts';
import type { InjectionRequest } from './request.ts';
import { PREFIX } from './names.ts';
import { refuse } from './refusals.ts';
import type { Refusal } from './refusals.ts';

export type Annotations = Record<string, string> | undefined;
export type Texts = Map<AnnotationKey, string>;
/** What stands for one server, its own and what is said for all. */
export type ServerTexts = { texts: Texts; server?: NonNullable<InjectionRequest['server']> };
export type ParsedServer = ServerTexts & { values: Partial<InjectionRequest>; refusals: Refusal[] };

/** A DNS label that leaves room for what is made of it: the name of a volume has 63 characters. */
const SERVER_NAME = /^[a-z0-9]([-a-z0-9]{0,28}[a-z0-9])?$/;

/** They share the memory of one proxy; and each is read here while others wait for their pods. */
const MAX_SERVERS = 16;

/** Our keys among a pod's annotations, without the prefix. */
export const ownKeys = (annotations: Annotations): string[] =>
  Object.keys(annotations ?? {})
    .filter((each) => each.startsWith(PREFIX))
    .map((each) => each.slice(PREFIX.length));

/** Where no key has a name, the one server without. */
export function textsOfServers(annotations: Annotations): { servers: ServerTexts[]; refusals: Refusal[] } {
  const { plain, named, refusals } = readKeys(annotations);
  if (named.size === 0) return { servers: [{ texts: plain }], refusals };
  const names = [...named.keys()].toSorted();
  if (names.length > MAX_SERVERS) return { servers: [{ texts: new Map() }], refusals: [tooMany(names)] };
  const servers = names.map((name) => withShared(name, named.get(name)!, plain));
  const idle = [...plain].flatMap(([key, text]) => {
    if (scopeOf(key) === 'pod') return [];
    if (scopeOf(key) === 'server') return [misplaced(key, text, names)];
    if (servers.some(({ server }) => server?.shared.includes(key))) return [];
    const mend = `remove ${PREFIX}${key}`;
    return [refuse('NoEffect', key, text, `has no effect on any of the servers ${names.join(', ')}`, mend)];
  });
  return { servers, refusals: [...refusals, ...idle] };
}

function readKeys(annotations: Annotations) {
  const plain: Texts = new Map();
  const named = new Map<string, Texts>();
  const refusals: Refusal[] = [];
  for (const given of ownKeys(annotations)) {
    const text = annotations?.[PREFIX + given] ?? '';
    const dot = given.indexOf('.');
    const [name, key] = [given.slice(0, Math.max(0, dot)), given.slice(dot + 1)];
    if (dot < 0 && isKey(key)) plain.set(key, text);
    // `listen.port` is a slip of the pen, and would be a server called "listen".
    else if (dot < 0 || !isKey(key) || isKey(`${name}-${key}`)) refusals.push(unknown(given, name, text));
    else if (!SERVER_NAME.test(name)) {
      const message = `names a server "${name.slice(0, 80)}", which is no DNS label of at most 30 characters`;
      refusals.push(refuse('ServerNameInvalid', given, text, message, 'give the server another name'));
    } else if (scopeOf(key) === 'pod') {
      refusals.push(
        refuse('KeyMisplaced', given, text, 'is for the whole pod', `write it as ${PREFIX}${key}`),
      );
    } else named.set(name, (named.get(name) ?? new Map()).set(key, text));
  }
  return { plain, named, refusals };
}

/** What is said for all fills in for what is not said of this one, where it has an effect there. */
function withShared(name: string, own: Texts, plain: Texts): ServerTexts {
  const effective = (key: AnnotationKey) => own.get(key) ?? plain.get(key) ?? entryOf(key).default;
  const isSaidOtherwise = (key: AnnotationKey): boolean =>
    own.has(key) ||
    [...own.keys()].some((each) => entryOf(each).insteadOf === key || entryOf(key).insteadOf === each);
  const shared = [...plain.keys()].filter((key) => {
    return scopeOf(key) === undefined && !idleBecause(key, effective) && !isSaidOtherwise(key);
  });
  const ofPod = [...plain.keys()].filter((key) => scopeOf(key) === 'pod');
  const inherited = [...ofPod, ...shared].map((key) => [key, plain.get(key)!] as const);
  return { texts: new Map([...inherited, ...own]), server: { name, shared } };
}

const entryOf = (key: AnnotationKey): Annotation => ANNOTATIONS[key];
const isKey = (text: string): text is AnnotationKey => Object.hasOwn(ANNOTATIONS, text);

const misplaced = (key: AnnotationKey, text: string, names: string[]): Refusal =>
  refuse(
    'KeyMisplaced',
    key,
    text,
    `is not for all servers, and others are named: ${names.join(', ')}`,
    `write it for one of them, as ${PREFIX}${names[0]}.${key}`,
  );

const tooMany = (names: string[]): Refusal =>
  refuse(
    'ServersTooMany',
    `${names[MAX_SERVERS]}.*`,
    undefined,
    `is for one of ${names.length} servers, while a pod may have ${MAX_SERVERS}`,
    'put the others into pods of their own',
  );

function unknown(given: string, name: string, text: string): Refusal {
  const ofServer = ANNOTATION_KEYS.filter((key) => scopeOf(key) !== 'pod').map((key) => `${name}.${key}`);
  const known = [...ANNOTATION_KEYS, ...(SERVER_NAME.test(name) ? ofServer : [])].filter(
    (each) => each !== given,
  );
  // What stands behind the name is what may be misspelt.
  const maxDistance = Math.max(2, Math.ceil((given.length - (name === '' ? 0 : name.length + 1)) / 3));
  const nearest = closestMatch(given, known, { maxDistance });
  const mend = nearest
    ? `perhaps ${PREFIX}${nearest} is meant`
    : `remove it; known keys: ${ANNOTATION_KEYS.join(', ')}`;
  return refuse('KeyUnknown', given, text, 'is not a known annotation', mend);
}
