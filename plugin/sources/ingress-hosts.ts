/** Hosts that Ingresses lead to a workload, and that its proxy would refuse. Pure. */
import type { V1Ingress, V1Service } from '@kubernetes/client-node';
import { compileHosts } from '../../sidecar/edge/host.ts';
import type { ServerRequests } from '../../webhook/request.ts';
import { serverTitle } from '../../webhook/names.ts';
import type { Workload } from '../enable/workload.ts';

export interface RefusedHost {
  readonly ingress: string;
  readonly service: string;
  readonly host: string;
}

/**
 * By the proxy's own rule, in a cluster of the usual domain.
 * @param services those that lead to the workload; of one namespace, as an Ingress and its Services are.
 */
export function refusedHosts(
  ingresses: readonly V1Ingress[],
  services: readonly V1Service[],
  { metadata: workload }: Workload,
  requests: ServerRequests,
): RefusedHost[] {
  const allowed = requests.map((request) =>
    compileHosts(
      {
        name: serverTitle(request.name ?? workload.name, request.server?.name),
        allowedHosts: request['allowed-hosts'] ?? [],
        publicUrl: request['public-url'],
      },
      { namespace: workload.namespace, clusterDomain: 'cluster.local' },
    ),
  );
  // Of several servers, which one the Ingress is for is not looked at: a host that one of them takes is meant for it.
  const isAllowed = (host: string): boolean => allowed.some((each) => !each || each(host));
  const names = new Set(services.map((each) => each.metadata?.name));
  return ingresses.flatMap(({ metadata, spec }) =>
    (spec?.rules ?? []).flatMap(({ host, http }) => {
      const service = (http?.paths ?? [])
        .map(({ backend }) => backend.service?.name)
        .find((each) => names.has(each));
      // A rule without host takes any: then nobody knows by which name callers come.
      if (host === undefined || service === undefined || isAllowed(host)) return [];
      return [{ ingress: metadata?.name ?? '', service, host }];
    }),
  );
}
