/** From annotations to how the proxy reaches providers, and to the credential that the server is given. Pure. */
import type { V1Container } from '@kubernetes/client-node';
import type { SidecarConfigInput } from '../sidecar/config.ts';
import { parseProxy, type UpstreamProxy } from '../sidecar/upstream/upstream-proxy.ts';
import { directoryOf } from './mounted-sources.ts';
import type { InjectionRequest } from './request.ts';

type Server = SidecarConfigInput['servers'][number];
type Upstream = Exclude<Server['upstream'], { transport: 'stdio' }>;

/** Whether anything goes out. */
const isUsed = (request: InjectionRequest): boolean =>
  request.auth.includes('oidc') || request['upstream-token-url'] !== undefined;

/** @param container of the server: its variables say what the cluster's machines reach the world through */
export function outboundOf(
  request: InjectionRequest,
  container: V1Container | undefined,
): Pick<Server, 'outbound'> {
  if (!isUsed(request)) return {};
  const { 'ca-configmap': configMap } = request;
  const proxy = proxyOf(request, container);
  const outbound = {
    ...(configMap !== undefined && {
      authorities: { source: `configmap/${configMap}`, ...directoryOf(request, 'outboundAuthority') },
    }),
    ...(proxy && { proxy }),
  };
  return Object.keys(outbound).length > 0 ? { outbound } : {};
}

function proxyOf(
  request: InjectionRequest,
  container: V1Container | undefined,
): NonNullable<Server['outbound']>['proxy'] {
  const written = request['outbound-proxy'];
  if (written === 'none') return undefined;
  const read = variablesOf(container);
  const [https, http] = written
    ? [written, written]
    : [usable(read('HTTPS_PROXY')), usable(read('HTTP_PROXY'))];
  const except = read('NO_PROXY');
  if (!https && !http) return undefined;
  return { ...(https && { https }), ...(http && { http }), ...(except !== undefined && { except }) };
}

const usable = (value: string | undefined): UpstreamProxy | undefined =>
  value === undefined ? undefined : parseProxy(value);

/** In either case, as curl reads them; what comes from a Secret or a ConfigMap is not known here. */
const variablesOf =
  (container: V1Container | undefined) =>
  (name: string): string | undefined => {
    const [upper, lower] = [name, name.toLowerCase()].map(
      (each) => container?.env?.find((variable) => variable.name === each)?.value,
    );
    return upper || lower || undefined;
  };

/** The variable that names a proxy which cannot be used. */
export function unusableOutbound(
  request: InjectionRequest,
  container: V1Container | undefined,
): string | undefined {
  if (!isUsed(request) || request['outbound-proxy']) return undefined;
  const read = variablesOf(container);
  return ['HTTPS_PROXY', 'HTTP_PROXY'].find((name) => {
    const value = read(name);
    return value !== undefined && !parseProxy(value);
  });
}

export function tokenOf(request: InjectionRequest): Pick<Upstream, 'token'> {
  const { 'upstream-token': mode, 'upstream-token-url': url, 'upstream-token-secret': secret } = request;
  if (mode === undefined) return {};
  const { 'upstream-token-audience': audience, 'upstream-token-resource': resource } = request;
  const { 'upstream-token-scope': scope, 'upstream-token-client-auth': clientAuth } = request;
  return {
    token: {
      mode,
      ...(url !== undefined && { url }),
      ...(secret !== undefined && {
        client: { source: `secret/${secret}`, ...directoryOf(request, 'upstreamToken') },
      }),
      ...(clientAuth && { clientAuth }),
      ...(audience && { audience }),
      ...(resource !== undefined && { resource }),
      ...(scope !== undefined && { scope }),
    },
  };
}
