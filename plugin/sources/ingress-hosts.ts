/** Hosts that Ingresses lead to a workload, and that its proxy would refuse. Pure. */
import type { V1Ingress, V1Service } from '@kubernetes/client-node';
import type { InjectionRequest } from '../../webhook/annotations.ts';
import { namesOfService } from './names.ts';

export interface RefusedHost {
  readonly ingress: string;
  readonly service: string;
  readonly host: string;
}

/** @param services those that lead to the workload; of one namespace, as an Ingress and its Services are. */
export function refusedHosts(
  ingresses: readonly V1Ingress[],
  services: readonly V1Service[],
  request: InjectionRequest,
): RefusedHost[] {
  const names = new Set(services.map((each) => each.metadata?.name));
  const [namespace = ''] = services.map((each) => each.metadata?.namespace);
  return ingresses.flatMap(({ metadata, spec }) =>
    (spec?.rules ?? []).flatMap(({ host, http }) => {
      const service = (http?.paths ?? [])
        .map(({ backend }) => backend.service?.name)
        .find((each) => names.has(each));
      // A rule without host takes any: then nobody knows by which name callers come.
      if (host === undefined || service === undefined || isAllowed(host, request)) return [];
      return namesOfService(service, namespace).includes(host)
        ? []
        : [{ ingress: metadata?.name ?? '', service, host }];
    }),
  );
}

function isAllowed(host: string, request: InjectionRequest): boolean {
  const allowed = request['allowed-hosts'] ?? [];
  const publicUrl = request['public-url'];
  return (
    ['*', host, `*.${host.slice(host.indexOf('.') + 1)}`].some((each) => allowed.includes(each)) ||
    (publicUrl !== undefined && new URL(publicUrl).hostname === host) ||
    host === 'localhost' ||
    host.endsWith('.localhost')
  );
}
