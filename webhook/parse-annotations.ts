/** The annotations of a pod against their table: values for each server, or every fault. */
import { ANNOTATIONS, ANNOTATION_KEYS } from './annotations.ts';
import { writtenKey } from './request.ts';
import type { AnnotationKey } from './annotations.ts';
import type { Annotation } from './grammar.ts';
import { idleBecause, wordsOf } from './idle-keys.ts';
import { mtlsFaults } from './mtls-faults.ts';
import type { InjectionRequest, ServerRequests } from './request.ts';
import { listenPortFaults } from './listen-ports.ts';
import { PREFIX } from './names.ts';
import { refuse } from './refusals.ts';
import type { Refusal } from './refusals.ts';
import { ownKeys, textsOfServers } from './server-keys.ts';
import { tokenFault } from './token-faults.ts';
import type { Annotations, ParsedServer, ServerTexts } from './server-keys.ts';

/** Every fault at once. Does not look at the pod: whether a port or container is there, `inject()` says. */
export function parseAnnotations(
  annotations: Annotations,
): { servers: ServerRequests } | { refusals: Refusal[] } {
  const { servers, refusals: ofKeys } = textsOfServers(annotations);
  const parsed = servers.map(parseServer);
  const refusals = [
    ...ofKeys,
    ...injectFaults(annotations),
    ...parsed.flatMap((each) => each.refusals),
    ...listenPortFaults(parsed),
  ];
  return refusals.length > 0
    ? { refusals: once(refusals) }
    : { servers: parsed.map(({ values }) => values as InjectionRequest) as ServerRequests };
}

/** What is wrong with a value for all servers is wrong once. */
const once = (refusals: Refusal[]): Refusal[] => [
  ...new Map(refusals.map((each) => [`${each.annotation} ${each.message}`, each])).values(),
];

function injectFaults(annotations: Annotations): Refusal[] {
  if (annotations?.[`${PREFIX}inject`] !== undefined) return [];
  const beside =
    ownKeys(annotations)
      .map((each) => PREFIX + each)
      .join(', ') || 'nothing of ours';
  const mend = 'set it to "true" or "false"';
  return [refuse('InjectMissing', 'inject', undefined, `is missing beside ${beside}`, mend)];
}

function parseServer({ texts, server }: ServerTexts): ParsedServer {
  const values: Record<string, unknown> = { ...(server && { server }) };
  const written = (key: string): string =>
    writtenKey({ ...(server && { server }) } as InjectionRequest, key as AnnotationKey);
  const refusals: Refusal[] = [];
  const no = (reason: Refusal['reason'], key: AnnotationKey, message: string, mend: string): void =>
    void refusals.push(refuse(reason, written(key), texts.get(key), message, mend));
  for (const key of ANNOTATION_KEYS) {
    const { grammar, allowed, insteadOf, ...entry }: Annotation = ANNOTATIONS[key];
    const value = texts.get(key);
    const idle = value === undefined ? undefined : idleBecause(key, (other) => effective(texts, other));
    if (idle) {
      const { key: otherKey, value: word } = 'lacks' in idle ? idle.lacks : idle.beside;
      const other = `${PREFIX}${written(otherKey)}: "${word}"`;
      const [how, mend] = 'lacks' in idle ? ['without', 'set that, or remove'] : ['beside', 'remove'];
      no('NoEffect', key, `has no effect ${how} ${other}`, `${mend} ${PREFIX}${written(key)}`);
    }
    if (value !== undefined && insteadOf && texts.has(insteadOf as AnnotationKey)) {
      const message = `stands beside ${PREFIX}${written(insteadOf)}`;
      no('SaidTwice', key, message, 'both say the same: remove one of them');
    }
    const parsed = grammar.safeParse(value ?? entry.default);
    if (parsed.success) values[key] = parsed.data;
    else if (value !== undefined) no('ValueInvalid', key, 'is not allowed', `set it to ${allowed}`);
  }
  if (authWords(texts).includes('token') && !texts.has('token-secret') && !texts.has('token-volume')) {
    no(
      'TokensMissing',
      'auth',
      `needs ${PREFIX}${written('token-secret')} or ${PREFIX}${written('token-volume')}`,
      'name the Secret there, each of its keys is a caller; or the volume, each of its files is one',
    );
  }
  if ((values['auth'] as readonly string[] | undefined)?.includes('oidc') && !texts.has('oidc-issuer')) {
    no('IssuerMissing', 'auth', `needs ${PREFIX}${written('oidc-issuer')}`, ISSUER_MEND);
  }
  const token = tokenFault((key) => effective(texts, key), written);
  if (token) no(token.reason, 'upstream-token', token.message, token.mend);
  if (authWords(texts).includes('mtls'))
    for (const { reason, message, mend } of mtlsFaults((key) => texts.has(key as AnnotationKey), written))
      no(reason, 'auth', message, mend);
  const unknown = unknownPrincipals(texts);
  if (unknown) no('PrincipalsUnknown', 'stdio-modern', unknown.message, unknown.mend);
  if (values['listen-port'] !== undefined && values['listen-port'] === values['admin-port']) {
    const key = texts.has('listen-port') ? 'listen-port' : 'admin-port';
    no('PortsEqual', key, 'is both listen-port and admin-port', 'give them different numbers');
  }
  return { texts, ...(server && { server }), values: values as Partial<InjectionRequest>, refusals };
}

const ISSUER_MEND =
  'write there what stands in the claim "iss" of its tokens, like https://id.example.com/realms/main';

/** Tokens are in a Secret that the webhook does not read: one of them may be in many hands. */
function unknownPrincipals(texts: ServerTexts['texts']): { message: string; mend: string } | undefined {
  const [auth, modern] = [authWords(texts), texts.get('stdio-modern')];
  if (effective(texts, 'transport') !== 'stdio' || texts.get('stdio-sessions') === 'shared') return undefined;
  const both = 'to "per-request" (each call meets a new process) or "shared" (all callers meet one)';
  if (auth.includes('none') && (modern === undefined || modern === 'per-principal')) {
    const what = modern === undefined ? 'is missing' : 'is not possible';
    return {
      message: `${what} with ${PREFIX}auth: "none": all callers would share the process of one principal`,
      mend: `set it ${both}`,
    };
  }
  return auth.includes('token') && modern === undefined
    ? {
        message: `is missing with ${PREFIX}auth: "${texts.get('auth')}": callers with the same token would share a process`,
        mend: `set it to "per-principal" if each caller has a token of its own, else ${both}`,
      }
    : undefined;
}

/** The kinds, as they are written. */
const authWords = (texts: ServerTexts['texts']): string[] => wordsOf(effective(texts, 'auth'));

const effective = (texts: ServerTexts['texts'], key: AnnotationKey): string | undefined =>
  texts.get(key) ?? (ANNOTATIONS[key] as Annotation).default;
