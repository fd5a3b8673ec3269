/** From annotations to whose tokens are taken. */
import { resourceOf } from '../sidecar/auth/protected-resource.ts';
import type { SidecarConfigInput } from '../sidecar/config.ts';
import { sourceOf } from './mounted-sources.ts';
import { audienceOf } from './names.ts';
import type { InjectionRequest } from './request.ts';

type Auth = Extract<SidecarConfigInput['servers'][number]['auth'], { mode: 'oidc' }>;

export function oidcConfigOf(
  request: InjectionRequest,
  { workload, namespace }: { readonly workload: string; readonly namespace: string },
): Auth {
  const given = Object.entries({
    nameClaim: request['oidc-name-claim'],
    groupsClaim: request['oidc-groups-claim'],
    jwksUrl: request['oidc-jwks-url'],
    algorithms: request['oidc-algorithms'],
    claims: request['oidc-claims'],
    requiredScopes: request['oidc-required-scopes'],
    scopes: request['oidc-scopes'],
    allowGroups: request['oidc-allow-groups'],
  }).filter(([, value]) => value !== undefined);
  const secret = request['oidc-introspection-secret'];
  return {
    mode: 'oidc',
    issuer: request['oidc-issuer'] ?? '',
    audiences: request['oidc-audience'] ?? audiencesOf(request, workload, namespace),
    ...Object.fromEntries(given),
    ...(secret !== undefined && {
      introspection: sourceOf({ secret, volume: undefined }, request, 'introspection'),
    }),
  };
}

/** Clients ask for a token for the URL that they know (RFC 8707), some of them with a slash behind a bare host. */
export function audiencesOf(request: InjectionRequest, workload: string, namespace: string): string[] {
  const url = request['public-url'];
  if (url === undefined) return [audienceOf(workload, namespace, request.server?.name)];
  const resource = resourceOf(url);
  return [resource, `${resource}/`];
}
