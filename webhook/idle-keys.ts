/** Keys that have no effect beside the others. Pure. */
import { ANNOTATIONS } from './annotations.ts';
import type { AnnotationKey } from './annotations.ts';
import type { Annotation } from './grammar.ts';
import { OF_OUTBOUND } from './outbound-annotations.ts';
import { OF_TOKEN, OF_TOKEN_URL } from './token-annotations.ts';
import { NOT_WITH_STDIO } from './stdio-annotations.ts';
import { NOT_ELSEWHERE, NOT_WITH_UPSTREAM, OF_ELSEWHERE, OF_TLS } from './upstream-annotations.ts';

/** Of a comma list, or of one word. */
export const wordsOf = (text = ''): string[] => text.split(',').map((each) => each.trim());

type Told = { key: AnnotationKey; value: string };

/** What the key would need to have an effect, or what takes its effect away. */
export function idleBecause(
  key: AnnotationKey,
  effective: (other: AnnotationKey) => string | undefined,
): { lacks: Told } | { beside: Told } | undefined {
  const { needs }: Annotation = ANNOTATIONS[key];
  if (needs && !wordsOf(effective(needs.key as AnnotationKey)).includes(needs.value)) {
    return { lacks: { key: needs.key as AnnotationKey, value: needs.value } };
  }
  if (NOT_WITH_STDIO.includes(key) && effective('transport') === 'stdio') {
    return { beside: { key: 'transport', value: 'stdio' } };
  }
  if (OF_TOKEN.includes(key) && effective('upstream-token') === undefined)
    return { lacks: { key: 'upstream-token', value: 'exchange' } };
  const asks = effective('upstream-token-url') !== undefined;
  if (OF_TOKEN_URL.includes(key) && !asks && effective('upstream-token') === 'caller')
    return { lacks: { key: 'upstream-token-url', value: 'https://…' } };
  if (OF_OUTBOUND.includes(key) && !asks && !wordsOf(effective('auth')).includes('oidc'))
    return { lacks: { key: 'auth', value: 'oidc' } };
  const upstream = effective('upstream');
  if (upstream === undefined) {
    const isOfIt = OF_TLS.includes(key) || key === 'upstream-proxy';
    return isOfIt ? { lacks: { key: 'upstream', value: 'https://HOST/PATH' } } : undefined;
  }
  if (OF_TLS.includes(key) && !upstream.startsWith('https:'))
    return { beside: { key: 'upstream', value: upstream } };
  const isElsewhere = !/^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])([:/]|$)/i.test(upstream);
  if (NOT_WITH_UPSTREAM.includes(key) || (isElsewhere ? NOT_ELSEWHERE : OF_ELSEWHERE).includes(key))
    return { beside: { key: 'upstream', value: upstream } };
  return undefined;
}
