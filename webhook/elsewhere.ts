/** What the annotation `upstream` comes to in the configuration. Pure. */
import type { V1Container } from '@kubernetes/client-node';
import { type HttpUpstream } from '../sidecar/config.ts';
import { MOUNT } from '../sidecar/mounts.ts';
import { parseProxy, proxyVariable } from '../sidecar/upstream/upstream-proxy.ts';
import type { InjectionRequest } from './request.ts';
import { mountPath } from './volumes.ts';

type Elsewhere = Partial<Pick<HttpUpstream, 'host' | 'proxy'>> & {
  tls?: Partial<NonNullable<HttpUpstream['tls']>>;
};

/** @param container of the server: its variables say what the cluster's machines reach the world through */
export function elsewhereOf(request: InjectionRequest, container: V1Container | undefined): Elsewhere {
  const { upstream } = request;
  if (!upstream) return {};
  const proxy = upstream.host === undefined ? undefined : proxyOf(request, container);
  return {
    ...(upstream.host !== undefined && { host: upstream.host }),
    ...(upstream.isTls && { tls: tlsOf(request) }),
    ...(proxy && { proxy }),
  };
}

function tlsOf(request: InjectionRequest): NonNullable<Elsewhere['tls']> {
  const { 'upstream-ca-secret': secret, 'upstream-ca-configmap': configMap } = request;
  const { 'upstream-tls-server-name': serverName } = request;
  const source = secret === undefined ? `configmap/${configMap}` : `secret/${secret}`;
  const directory = request.server
    ? mountPath('upstreamAuthority', request.server.name)
    : MOUNT.upstreamAuthority;
  return {
    ...((secret ?? configMap) !== undefined && { certificateAuthority: { source, directory } }),
    ...(serverName !== undefined && { serverName }),
  };
}

function proxyOf(request: InjectionRequest, container: V1Container | undefined): HttpUpstream['proxy'] {
  const written = request['upstream-proxy'];
  if (written) return written === 'none' ? undefined : written;
  const found = variableOf(request, container);
  return found && parseProxy(found.value);
}

/** The variable that names a proxy which cannot be used. */
export function unusableVariable(
  request: InjectionRequest,
  container: V1Container | undefined,
): string | undefined {
  if (request.upstream?.host === undefined || request['upstream-proxy']) return undefined;
  const found = variableOf(request, container);
  return found && !parseProxy(found.value) ? found.name : undefined;
}

/** What comes from a Secret or a ConfigMap is not known here. */
const variableOf = ({ upstream }: InjectionRequest, container: V1Container | undefined) =>
  proxyVariable(
    { ...upstream!, tls: upstream!.isTls },
    (name) => container?.env?.find((each) => each.name === name)?.value,
  );
