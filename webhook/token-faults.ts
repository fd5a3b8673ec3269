/** What `upstream-token` needs of the other annotations. Pure. */
import { isLoopbackHost } from '../sidecar/edge/host.ts';
import type { AnnotationKey } from './annotations.ts';
import { wordsOf } from './idle-keys.ts';
import { PREFIX } from './names.ts';
import type { RefusalReason } from './reasons.ts';

interface Fault {
  readonly reason: RefusalReason;
  readonly message: string;
  readonly mend: string;
}

/** @param written the key as it is written for this server */
export function tokenFault(
  effective: (key: AnnotationKey) => string | undefined,
  written: (key: AnnotationKey) => string,
): Fault | undefined {
  const mode = effective('upstream-token');
  if (mode === undefined) return undefined;
  const [url, secret] = (['upstream-token-url', 'upstream-token-secret'] as const).map(effective);
  const isWhole = url !== undefined && secret !== undefined;
  if (!isWhole && (mode !== 'caller' || url !== undefined || secret !== undefined))
    return {
      reason: 'UpstreamTokenIncomplete',
      message: `needs ${PREFIX}${written('upstream-token-url')} and ${PREFIX}${written('upstream-token-secret')}`,
      mend: 'write there the token endpoint, and the Secret with client_id and client_secret',
    };
  if (mode === 'client-credentials') return undefined;
  const auth = wordsOf(effective('auth'));
  if (auth.every((word) => word === 'none' || word === 'mtls'))
    return {
      reason: 'UpstreamTokenImpossible',
      message: `needs callers who bring a token: there are none with ${PREFIX}${written('auth')}: "${auth.join(',')}"`,
      mend: 'let callers bring one (auth oidc, kubernetes or token), or set it to "client-credentials"',
    };
  if (mode === 'caller' && !isElsewhere(effective('upstream')))
    return {
      reason: 'UpstreamTokenImpossible',
      message: `is for a server elsewhere over https: ${PREFIX}${written('upstream')} names none`,
      mend: 'set it to "exchange", which gives the server of the pod a token of its own for each caller',
    };
  return undefined;
}

/** Of this machine by any of its names: `127.1`, `localhost.` and `[::ffff:127.0.0.1]` lead into the pod as well. */
function isElsewhere(upstream: string | undefined): boolean {
  const url = URL.parse(upstream ?? '');
  const host = url?.hostname.replace(/\.$/, '') ?? '';
  return url?.protocol === 'https:' && !isLoopbackHost(host) && !MAPPED_OR_ANY.test(host);
}

const MAPPED_OR_ANY = /^(0\.0\.0\.0|\[::(ffff:(7f[0-9a-f]{2}:[0-9a-f]{1,4}|0:0))?\])$/;
