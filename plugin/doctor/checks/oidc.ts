import { audienceOf, PREFIX } from '../../../webhook/names.ts';
import { parseAnnotations } from '../../../webhook/parse-annotations.ts';
import { defineCheck } from '../check.ts';
import { changeCommand, placed, podName, proxyLogs, toldServers } from '../served.ts';

export const oidcChecks = [
  defineCheck({
    code: 'MCP703',
    category: 'auth',
    title: 'the OpenID providers answer the proxies',
    severity: 'error',
    about:
      'The proxy cannot read the keys of the OpenID provider, or cannot ask it about tokens that are no JWTs. With the keys of before calls go on for up to 24 hours; without any its callers get 503.',
    remedy:
      'The finding says what came back and what mends that: another issuer, a private CA, a way out of the pod, or the credentials of the Secret.',
    needs: ['pods', 'health'],
    run: (seen) =>
      toldServers(seen).flatMap(({ pod, server }) => {
        const told = [...new Set([server.error, ...(server.problems ?? [])])];
        return told
          .filter((each) => each !== undefined)
          .filter(isOfProvider)
          .map((problem) => ({
            title: `${podName(pod)}: the OpenID provider gives no answer that is of use`,
            cause: [problem],
            fix: FIXES.find(([words]) => words.test(problem))?.[1] ?? proxyLogs(pod),
          }));
      }),
  }),
  defineCheck({
    code: 'MCP704',
    category: 'auth',
    title: 'it is said for whom tokens of OpenID providers are',
    severity: 'warning',
    about:
      'With `auth: oidc` and neither `oidc-audience` nor `public-url`, tokens must be for the audience of the workload, which a provider only writes when it was told to.',
    remedy:
      'Set `public-url`, which clients ask for tokens for, or `oidc-audience` to what the provider writes into `aud`, be it the audience of the workload.',
    needs: ['workloads'],
    run: ({ workloads }) =>
      workloads.flatMap((workload) => {
        const parsed = parseAnnotations(workload.spec.template.metadata?.annotations);
        if ('refusals' in parsed) return [];
        return parsed.servers
          .filter(({ auth }) => auth.includes('oidc'))
          .filter((request) => !request['oidc-audience'] && !request['public-url'])
          .map((request) => {
            const name = request.name ?? workload.metadata.name;
            const audience = audienceOf(name, workload.metadata.namespace ?? '', request.server?.name);
            return {
              title: `${placed(workload)} has auth oidc and neither ${PREFIX}oidc-audience nor public-url`,
              cause: [`a token must be for ${audience}, or it is refused`],
              fix: changeCommand(workload, request, '--oidc-audience AUDIENCE'),
            };
          });
      }),
  }),
];

/** By the words of sidecar/auth/oidc. */
export const isOfProvider = (problem: string): boolean =>
  /^the OpenID provider |^tokens that are no JWTs cannot be checked/.test(problem);

/** By the words of sidecar/auth/oidc, sidecar/outbound and sidecar/upstream/certificate-faults.ts. */
const FIXES: readonly (readonly [RegExp, string])[] = [
  [
    /they must be equal to the letter/,
    `set ${PREFIX}oidc-issuer to what the provider calls itself, if that is the provider that is meant`,
  ],
  [
    /certificate is of an authority/,
    `put the authority's certificate as ca.crt into a ConfigMap, and name it in ${PREFIX}ca-configmap`,
  ],
  [/certificate is for another name/, `set ${PREFIX}oidc-issuer to the name that the provider is known by`],
  [/certificate has expired|not valid yet/, 'renew the certificate of the provider'],
  [
    /no JWTs.*answered (400|401|403)/,
    `write client_id and client_secret of a client that may introspect into the Secret of ${PREFIX}oidc-introspection-secret`,
  ],
  [
    /names no introspection_endpoint/,
    `remove ${PREFIX}oidc-introspection-secret: the provider cannot be asked`,
  ],
  [/holds no |is not there|visible ASCII/, `mend the Secret of ${PREFIX}oidc-introspection-secret`],
  [
    /answered 404|is not JSON|names no jwks_uri|names no issuer/,
    `compare ${PREFIX}oidc-issuer with the provider's; ${PREFIX}oidc-jwks-url is for one without a discovery document`,
  ],
  [
    /the proxy /,
    `let the HTTP proxy pass it, or name another in ${PREFIX}outbound-proxy ("none": go there directly)`,
  ],
  [
    /nothing listens|no answer within|name is not known|cannot be resolved|was cut|has not answered yet/,
    `see whether the pods may go there: NetworkPolicies, --egress, ${PREFIX}outbound-proxy; and whether the provider runs`,
  ],
];
