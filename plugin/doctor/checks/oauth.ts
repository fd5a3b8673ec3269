import { parseAnnotations } from '../../../webhook/parse-annotations.ts';
import { PREFIX } from '../../../webhook/names.ts';
import type { InjectionRequest } from '../../../webhook/request.ts';
import type { Workload } from '../../enable/workload.ts';
import { missingRoute } from '../../sources/metadata-routes.ts';
import { defineCheck } from '../check.ts';
import { changeCommand, placed, servicesOf } from '../served.ts';

export const oauthChecks = [
  defineCheck({
    code: 'MCP720',
    category: 'auth',
    title: 'clients that people log in with know where the servers are',
    severity: 'warning',
    about:
      'With `auth: oidc` and without `public-url` the proxy calls itself what the client calls it, over plain HTTP unless it has a certificate of its own: behind an Ingress with TLS that is another URL, and clients refuse to log in; where `allowed-hosts` is `*` they are told nothing at all.',
    remedy:
      'Set `public-url` to the URL that clients are configured with, path included. Nothing is to be done where all callers bring a token of their own.',
    needs: ['workloads'],
    run: ({ workloads }) =>
      withOidc(workloads)
        .filter(({ request }) => request['public-url'] === undefined)
        .map(({ workload, request }) => ({
          title: `${placed(workload)} has auth oidc and no ${PREFIX}public-url`,
          cause: ['people cannot log in with clients of OAuth that come through an Ingress'],
          fix: changeCommand(workload, request, '--public-url https://HOST/mcp'),
        })),
  }),
  defineCheck({
    code: 'MCP721',
    category: 'network',
    title: 'Ingresses lead clients to the metadata of OAuth',
    severity: 'warning',
    about:
      'An Ingress leads calls for the host of `public-url` to the proxy, and no path of it leads to `/.well-known/oauth-protected-resource`, where clients look for who gives them tokens: they cannot log in.',
    remedy:
      'Add the path to the Ingress, `pathType: Exact`, with the backend that calls have. A path that the controller rewrites is taken to be right.',
    needs: ['workloads', 'services', 'ingresses'],
    run: ({ workloads, services, ingresses }) =>
      withOidc(workloads).flatMap(({ workload, request }) => {
        const url = request['public-url'];
        const own = ingresses.filter((each) => each.metadata?.namespace === workload.metadata.namespace);
        const missing =
          url === undefined ? undefined : missingRoute(url, own, servicesOf(workload, services));
        if (!missing) return [];
        const { ingress, service, host, path } = missing;
        return [
          {
            title: `${placed(workload)}: clients cannot find the metadata of OAuth at ${host}`,
            cause: [`no path of ingress/${ingress} leads ${path} to service/${service}`],
            fix: `kubectl edit ingress/${ingress} -n ${workload.metadata.namespace}`,
          },
        ];
      }),
  }),
  defineCheck({
    code: 'MCP722',
    category: 'filter',
    title: 'where policies ask for scopes, there are callers who have some',
    severity: 'warning',
    about:
      'The policy file has `tools.scopes`, and `auth` has no `oidc`: scopes are of tokens of an OpenID provider alone, so that nobody sees these tools.',
    remedy:
      'Add `oidc` to `auth`, or say by rules who may use the tools: `"oidc:ops" in principal.groups`, `principal.kind == "kubernetes"`.',
    needs: ['workloads', 'configMaps'],
    run: ({ workloads, configMaps }) =>
      requestsOf(workloads)
        .filter(({ request }) => !request.auth.includes('oidc'))
        .flatMap(({ workload, request }) => {
          const { namespace } = workload.metadata;
          const asked = configMaps[`policy ${namespace}/${request.policy}`]?.toolPatterns?.filter(
            ({ where }) => where === 'tools.scopes',
          );
          if (!asked?.length) return [];
          return [
            {
              title: `${placed(workload)}: its policy hides tools from everybody, for nobody has scopes`,
              cause: [`tools.scopes: ${asked.map(({ glob }) => glob).join(', ')}`],
              fix: `kubectl edit configmap ${request.policy} -n ${namespace}`,
            },
          ];
        }),
  }),
];

type Requested = { readonly workload: Workload; readonly request: InjectionRequest };

const withOidc = (workloads: readonly Workload[]): Requested[] =>
  requestsOf(workloads).filter(({ request }) => request.auth.includes('oidc'));

const requestsOf = (workloads: readonly Workload[]): Requested[] =>
  workloads.flatMap((workload) => {
    const parsed = parseAnnotations(workload.spec.template.metadata?.annotations);
    return 'refusals' in parsed ? [] : parsed.servers.map((request) => ({ workload, request }));
  });
