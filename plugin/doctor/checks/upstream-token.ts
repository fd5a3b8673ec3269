import type { V1Pod } from '@kubernetes/client-node';
import { PREFIX, serverTitle } from '../../../webhook/names.ts';
import type { InjectionRequest } from '../../../webhook/request.ts';
import { writtenKey } from '../../../webhook/request.ts';
import { serversIn } from '../../enable/workload.ts';
import { defineCheck } from '../check.ts';
import { podName, proxyLogs, toldServers } from '../served.ts';

type KeyOf = (key: Parameters<typeof writtenKey>[1]) => string;

export const upstreamTokenChecks = [
  defineCheck({
    code: 'MCP606',
    category: 'server',
    title: 'servers are given credentials that they take',
    severity: 'error',
    about: `The token endpoint of \`${PREFIX}upstream-token-url\` gives the proxy no token for the server, or the server answers 401 to what it is given. Callers get 403 (theirs is not exchanged), 502 (the proxy or the server is set up otherwise) or 503 (nobody answers).`,
    remedy:
      'The finding says which credential is used, what came back, and what mends that: the client of the Secret, its grants and scopes at the provider, a private CA, a way out of the pod.',
    needs: ['pods', 'health'],
    run: (seen) =>
      toldServers(seen).flatMap(({ pod, server }) => {
        const request = requestOf(pod, server.name);
        const keyOf: KeyOf = (key) => PREFIX + (request ? writtenKey(request, key) : key);
        const [refused] = [server.error ?? ''].filter((each) => /\b401\b/.test(each));
        const unhad = (server.problems ?? []).filter(isOfToken);
        return [
          ...(refused === undefined || unhad.length > 0
            ? []
            : [
                {
                  title: `${podName(pod)}: the server does not take ${used(request)}`,
                  cause: [refused],
                  fix: fixOfServer(request, keyOf),
                },
              ]),
          ...unhad.map((problem) => ({
            title: `${podName(pod)}: there is no credential for the server`,
            cause: [problem],
            fix: FIXES.find(([words]) => words.test(problem))?.[1](keyOf) ?? proxyLogs(pod),
          })),
        ];
      }),
  }),
];

/** By the words of sidecar/upstream/token. */
export const isOfToken = (problem: string): boolean => problem.startsWith('no token for the server');

function requestOf(pod: V1Pod, title: string): InjectionRequest | undefined {
  const requests = serversIn(pod).map(({ request }) => request);
  return requests.length === 1
    ? requests[0]
    : requests.find(({ server }) => server && title.endsWith(serverTitle('', server.name)));
}

/** What the proxy's own requests go with. */
function used(request: InjectionRequest | undefined): string {
  const token = request?.['upstream-token'];
  if (token === 'caller' && !request?.['upstream-token-url'])
    return 'requests of the proxy’s own, which carry no token (upstream-token: caller)';
  if (token) return `the token of client credentials (upstream-token: ${token})`;
  return request?.['upstream-headers-secret'] || request?.['upstream-headers-volume']
    ? 'the headers that it is sent'
    : 'requests without credentials';
}

function fixOfServer(request: InjectionRequest | undefined, keyOf: KeyOf): string {
  const token = request?.['upstream-token'];
  if (token === 'caller' && !request?.['upstream-token-url'])
    return `set ${keyOf('upstream-token-url')} and ${keyOf('upstream-token-secret')}: with that client the proxy reads the list of tools`;
  return token
    ? `compare ${keyOf('upstream-token-audience')}, ${keyOf('upstream-token-resource')} and ${keyOf('upstream-token-scope')} with what the server wants of a token`
    : `name a Secret with the header in ${keyOf('upstream-headers-secret')}, or let an authorization server give tokens: ${keyOf('upstream-token')}`;
}

/** By the words of sidecar/upstream/token, sidecar/outbound and of RFC 6749 section 5.2. */
const FIXES: readonly (readonly [RegExp, (keyOf: KeyOf) => string])[] = [
  [
    /invalid_client/,
    (keyOf) =>
      `mend client_id and client_secret in the Secret of ${keyOf('upstream-token-secret')}, or set ${keyOf('upstream-token-client-auth')} to the way that the provider wants`,
  ],
  [/client_(id|secret) is /, (keyOf) => `mend the Secret of ${keyOf('upstream-token-secret')}`],
  [
    /unauthorized_client|unsupported_grant_type/,
    () => 'allow the client this grant at the provider; exchange needs client credentials too',
  ],
  [
    /invalid_(target|scope|request|grant)/,
    (keyOf) =>
      `compare ${keyOf('upstream-token-audience')}, ${keyOf('upstream-token-resource')} and ${keyOf('upstream-token-scope')} with what the client may ask for`,
  ],
  [
    /certificate is of an authority/,
    (keyOf) =>
      `put the authority's certificate as ca.crt into a ConfigMap, and name it in ${keyOf('ca-configmap')}`,
  ],
  [
    /the proxy http/,
    (keyOf) =>
      `let the HTTP proxy pass it, or name another in ${keyOf('outbound-proxy')} ("none": go there directly)`,
  ],
  [
    /nothing listens|no answer within|name is not known|cannot be resolved|was cut/,
    (keyOf) =>
      `see whether the pods may go there: NetworkPolicies, --egress, ${keyOf('outbound-proxy')}; and whether the provider runs`,
  ],
  [
    /which is no answer of a token endpoint|without an access_token|no bearer token/,
    (keyOf) => `compare ${keyOf('upstream-token-url')} with token_endpoint of the provider's metadata`,
  ],
];
