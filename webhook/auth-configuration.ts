/** From annotations to who may call. */
import type { AuthKind } from '../sidecar/auth/auth-config.ts';
import type { SidecarConfigInput } from '../sidecar/config.ts';
import { directoryOf, sourceOf } from './mounted-sources.ts';
import { mtlsConfigOf } from './mtls-configuration.ts';
import { oidcConfigOf } from './oidc-configuration.ts';
import { audienceOf } from './names.ts';
import type { InjectionRequest } from './request.ts';

type Parts = { readonly workload: string; readonly namespace: string };
type Auth = SidecarConfigInput['servers'][number]['auth'];
type Kind<Mode extends AuthKind> = Extract<Auth, { mode: Mode }>;

export function authConfigOf(request: InjectionRequest, parts: Parts): Auth {
  const [first, ...others] = request.auth.flatMap((word) =>
    word === 'none' ? [] : OF_KIND[word](request, parts),
  );
  if (!first) return { mode: 'none' };
  return others.length === 0 ? first : { mode: 'several', of: [first, ...others] };
}

const OF_KIND: {
  [Mode in Exclude<InjectionRequest['auth'][number], 'none'>]: (
    request: InjectionRequest,
    parts: Parts,
  ) => Kind<Mode>;
} = {
  kubernetes: (request, { workload, namespace }) => ({
    mode: 'kubernetes',
    audience: request.audience ?? audienceOf(workload, namespace, request.server?.name),
    allowPrincipals: request['allow-principals'] ?? [`${namespace}/*`],
    ...(request.verify && { verify: request.verify }),
    ...(request['trusted-actors'] && {
      trustedActors: {
        source: `configmap/${request['trusted-actors']}`,
        ...directoryOf(request, 'trustedActors'),
      },
    }),
  }),
  oidc: oidcConfigOf,
  mtls: mtlsConfigOf,
  token: (request) => {
    const source = { secret: request['token-secret'], volume: request['token-volume'] };
    return { mode: 'token', ...sourceOf(source, request, 'tokens') };
  },
};
