/**
 * Ports that a mesh must not redirect to its own proxy. The admin port is one: the kubelet asks there for probes and
 * the drain, in plain HTTP and before the mesh's proxy runs. The listen port stays in the mesh, with its mTLS.
 */
import type { V1Container, V1ObjectMeta, V1Pod, V1PodSpec } from '@kubernetes/client-node';

type Mesh = {
  /** Read by its webhook, and by its CNI plugin when the pod starts. */
  annotation: string;
  /** Containers that tell that it was there before us. */
  containers: string[];
  /** Its init container that sets up the redirection, with the ports of the time when the mesh was asked. */
  init: { name: string; flag: string };
  /** The pod asks for it: it may come after us. */
  isWanted: (metadata: V1ObjectMeta) => boolean;
};

const MESHES: Mesh[] = [
  {
    annotation: 'traffic.sidecar.istio.io/excludeInboundPorts',
    containers: ['istio-proxy', 'istio-init', 'istio-validation'],
    init: { name: 'istio-init', flag: '-d' },
    isWanted: ({ labels, annotations }) =>
      [labels, annotations].some((each) => each?.['sidecar.istio.io/inject'] === 'true'),
  },
  {
    annotation: 'config.linkerd.io/skip-inbound-ports',
    containers: ['linkerd-proxy', 'linkerd-init', 'linkerd-network-validator'],
    init: { name: 'linkerd-init', flag: '--inbound-ports-to-ignore' },
    isWanted: ({ annotations }) => ['enabled', 'ingress'].includes(annotations?.['linkerd.io/inject'] ?? ''),
  },
];

type Injectable = V1Pod & { spec: V1PodSpec };

/** Where no mesh is, and none is asked for, nothing changes. */
export const withExclusion = (pod: Injectable, port: number): Injectable =>
  MESHES.filter((mesh) => isMeshed(pod, mesh)).reduce(
    (each, mesh) => edited(each, mesh, (ports) => withPort(ports, port)),
    pod,
  );

/** Also a port that the user listed is taken out: it was there for the sidecar. */
export const withoutExclusion = (pod: Injectable, port: number): Injectable =>
  MESHES.reduce((each, mesh) => edited(each, mesh, (ports) => withoutPort(ports, port)), pod);

function isMeshed({ metadata, spec }: Injectable, { containers, isWanted }: Mesh): boolean {
  const all = [...spec.containers, ...(spec.initContainers ?? [])];
  return all.some((each) => containers.includes(each.name)) || isWanted(metadata ?? {});
}

type Edit = (ports: string | undefined) => string | undefined;

function edited(pod: Injectable, { annotation, init }: Mesh, edit: Edit): Injectable {
  const { [annotation]: before, ...others } = pod.metadata?.annotations ?? {};
  const ports = edit(before);
  const annotations = ports === undefined ? others : { ...pod.metadata?.annotations, [annotation]: ports };
  const { initContainers } = pod.spec;
  return {
    ...pod,
    ...(ports !== before && { metadata: { ...pod.metadata, annotations } }),
    spec: {
      ...pod.spec,
      ...(initContainers && {
        initContainers: initContainers.map((each) =>
          each.name === init.name ? withArgument(each, init.flag, edit) : each,
        ),
      }),
    },
  };
}

/** The mesh's webhook came first and reads no annotation again. */
function withArgument(container: V1Container, flag: string, edit: Edit): V1Container {
  const { args } = container;
  const at = (args?.indexOf(flag) ?? -1) + 1;
  if (!args || at === 0 || at === args.length) return container;
  return { ...container, args: args.with(at, edit(args[at]) ?? '') };
}

/** As they are written, with spaces. */
const partsOf = (ports: string | undefined): string[] =>
  (ports ?? '').split(',').filter((each) => each.trim() !== '');

/** Linkerd takes ranges, like 4567-4570. */
function covers(part: string, port: number): boolean {
  const [first, last = first] = part.split('-').map(Number);
  return first !== undefined && last !== undefined && first <= port && port <= last;
}

const withPort = (ports: string | undefined, port: number): string | undefined =>
  partsOf(ports).some((each) => covers(each, port)) ? ports : [...partsOf(ports), port].join(',');

function withoutPort(ports: string | undefined, port: number): string | undefined {
  const parts = partsOf(ports);
  const kept = parts.filter((each) => each.trim() !== String(port));
  if (kept.length === parts.length) return ports;
  return kept.length > 0 ? kept.join(',') : undefined;
}
