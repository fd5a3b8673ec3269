/** The annotations of tokens of an OpenID provider: rows of the table in annotations.ts. */
import {
  claimName,
  issuerUrl,
  OIDC_ALGORITHMS,
  oidcAlgorithm,
  oidcAudience,
  oidcGroup,
  scopeToken,
} from '../sidecar/auth/oidc/oidc-config.ts';
import { providerUrl } from '../sidecar/outbound/provider-url.ts';
import { dnsName, listOf } from './grammar.ts';
import type { Annotation } from './grammar.ts';

const needs = { key: 'auth', value: 'oidc' };

export const OIDC_ANNOTATIONS = {
  'oidc-issuer': {
    grammar: issuerUrl,
    allowed: 'the URL that stands in the claim `iss` of tokens, https://…, without user, query and fragment',
    otherwise: 'required by `auth: oidc`',
    needs,
    doc: 'The OpenID provider whose tokens are taken, as it writes itself: a slash at the end counts. Its keys are found by discovery, and followed.',
  },
  'oidc-audience': {
    grammar: listOf(oidcAudience),
    allowed: 'a comma list of audiences of printable ASCII characters without spaces',
    otherwise: '`public-url`, or else the same as of `audience`',
    needs,
    scope: 'server',
    doc: "One of these must be in the claim `aud` of a token. An audience that other servers share lets each of them use its callers' tokens here.",
  },
  'oidc-name-claim': {
    grammar: claimName,
    allowed: 'the name of a claim, or a path like `a.b`',
    otherwise: '`sub`',
    needs,
    doc: "The claim with the caller's name, which audit lines and policies see behind `oidc:`. One that users can change is none.",
  },
  'oidc-groups-claim': {
    grammar: claimName,
    allowed: 'the name of a claim, or a path like `realm_access.roles`',
    otherwise: '`groups`',
    needs,
    doc: "The claim with the caller's groups, a text or a list, which policies see behind `oidc:`.",
  },
  'oidc-claims': {
    grammar: listOf(claimName),
    allowed: 'a comma list of claims',
    otherwise: 'none',
    needs,
    doc: 'Further claims that rules see, as `principal.claims["NAME"]`; those that are a text, a number, a truth value or a list of texts.',
  },
  'oidc-algorithms': {
    grammar: listOf(oidcAlgorithm),
    allowed: `a comma list of ${OIDC_ALGORITHMS.join(', ')}`,
    otherwise: 'all of these',
    needs,
    doc: 'What a token may be signed with; never `none`, and nothing with a shared secret.',
  },
  'oidc-required-scopes': {
    grammar: listOf(scopeToken),
    allowed: 'a comma list of scopes',
    otherwise: 'none',
    needs,
    doc: 'Every token must have all of these in `scope` or `scp`; without them the answer is 403 with `insufficient_scope`.',
  },
  'oidc-scopes': {
    grammar: listOf(scopeToken),
    allowed: 'a comma list of scopes',
    otherwise: 'those of `oidc-required-scopes`',
    needs,
    doc: 'What clients are told to ask the provider for, where a scope is asked for by another name than it has in the token, or where claims come by one.',
  },
  'oidc-allow-groups': {
    grammar: listOf(oidcGroup),
    allowed: 'a comma list of groups as the provider writes them',
    otherwise: 'every caller',
    needs,
    doc: 'Callers must be in one of these groups.',
  },
  'oidc-introspection-secret': {
    grammar: dnsName,
    allowed: "the name of a Secret of the pod's namespace",
    otherwise: 'only JWTs are taken',
    needs,
    doc: 'The Secret whose `client_id` and `client_secret` ask the provider about tokens that are no JWTs (RFC 7662). Its answer is taken for 30 seconds.',
  },
  'oidc-jwks-url': {
    grammar: providerUrl,
    allowed: 'a URL, https://…',
    otherwise: 'by discovery',
    needs,
    doc: "Where the provider's keys are, of one that has no discovery document.",
  },
} as const satisfies Record<string, Annotation>;
