/** The annotations of the credential that a server is given with each request: rows of the table in annotations.ts. */
import { z } from 'zod';
import { providerUrl } from '../sidecar/outbound/provider-url.ts';
import { tokenAudience, tokenScope } from '../sidecar/upstream/token/token-config.ts';
import { dnsName, listOf, oneOf } from './grammar.ts';
import type { Annotation } from './grammar.ts';

export const TOKEN_ANNOTATIONS = {
  'upstream-token': {
    ...oneOf('exchange', 'client-credentials', 'caller'),
    otherwise: 'none: what callers bring ends at the proxy',
    doc: "What the server gets in `Authorization`: `exchange`: a token of each caller's own, given for the caller's by an authorization server (RFC 8693); `client-credentials`: the proxy's own (RFC 6749, 4.4); `caller`: the one that the caller has brought, for an https `upstream` elsewhere alone, whose owner can then call as that caller.",
  },
  'upstream-token-url': {
    grammar: providerUrl,
    allowed: 'the URL of a token endpoint, https://…',
    otherwise: 'required by `exchange` and `client-credentials`',
    doc: 'The token endpoint that is asked for these tokens.',
  },
  'upstream-token-secret': {
    grammar: dnsName,
    allowed: "the name of a Secret of the pod's namespace",
    otherwise: 'required beside `upstream-token-url`',
    doc: 'The Secret with `client_id` and `client_secret` of the proxy at the token endpoint. Changes are taken without a restart.',
  },
  'upstream-token-client-auth': {
    ...oneOf('basic', 'post'),
    otherwise: '`basic`',
    doc: 'How the proxy proves itself at the token endpoint: by HTTP Basic, or in the form.',
  },
  'upstream-token-audience': {
    grammar: listOf(tokenAudience),
    allowed: 'a comma list of names or URLs without spaces',
    otherwise: 'not asked for',
    doc: 'Who the tokens shall be for: `audience` of the request.',
  },
  'upstream-token-resource': {
    grammar: z.url(),
    allowed: 'a URL',
    otherwise: 'not asked for',
    doc: 'The server that the tokens shall be for, in place of or beside an audience: `resource` of the request (RFC 8707).',
  },
  'upstream-token-scope': {
    grammar: tokenScope,
    allowed: 'scopes with one space between them',
    otherwise: 'not asked for',
    doc: 'What the tokens shall allow: `scope` of the request.',
  },
} as const satisfies Record<string, Annotation>;

/** Without `upstream-token` they say nothing. */
export const OF_TOKEN: readonly string[] = Object.keys(TOKEN_ANNOTATIONS).filter(
  (key) => key !== 'upstream-token',
);
/** Of the endpoint. */
export const OF_TOKEN_URL: readonly string[] = OF_TOKEN.filter(
  (key) => key !== 'upstream-token-url' && key !== 'upstream-token-secret',
);
