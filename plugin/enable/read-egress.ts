/** Destinations that are known to the cluster only: Services by their pods, and the API server's own addresses. */
import { isIPv6 } from 'node:net';
import { CliError } from '../errors.ts';
import type { Cluster } from '../kube/client.ts';
import { isNotFound } from '../kube/errors.ts';
import { type Admitted, admittedBlock, type Destination, DNS, type Egress } from './egress.ts';

/**
 * @param asksApiServer the proxy needs the keys that tokens are signed with, and shares the pod's network.
 * @throws {CliError} that names a Service which a policy cannot follow.
 */
export async function readEgress(
  cluster: Cluster,
  egress: Egress,
  asksApiServer: boolean,
): Promise<readonly Admitted[] | 'any'> {
  if (egress === 'any') return 'any';
  const wanted = await Promise.all(egress.map((each) => admittedTo(cluster, each)));
  return [
    ...wanted,
    ...(egress.length > 0 ? [DNS] : []),
    ...(asksApiServer ? [await apiServerOf(cluster)] : []),
  ];
}

async function admittedTo(cluster: Cluster, destination: Destination): Promise<Admitted> {
  if ('cidr' in destination) return admittedBlock([destination.cidr], [destination.port]);
  const { service: name, namespace, port } = destination;
  const text = `${name}.${namespace}.svc:${port}`;
  const service = await cluster.core.readNamespacedService({ name, namespace }).catch((error: unknown) => {
    if (isNotFound(error))
      throw new CliError(`--egress ${text}: there is no service/${name} in namespace ${namespace}`);
    throw error;
  });
  const { selector = {}, ports = [] } = service.spec ?? {};
  const found = ports.find((each) => each.port === port && (each.protocol ?? 'TCP') === 'TCP');
  if (!found) throw new CliError(`--egress ${text}: service/${name} has no TCP port ${port}`);
  if (Object.keys(selector).length === 0) {
    throw new CliError(
      `--egress ${text}: service/${name} selects no pods: give the addresses that it leads to`,
    );
  }
  return {
    rule: {
      to: [
        {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
          podSelector: { matchLabels: { ...selector } },
        },
      ],
      ports: [{ protocol: 'TCP', port: (found.targetPort ?? port) as number }],
    },
    text,
  };
}

/** Where its Service leads, and the Service's own address: plug-ins differ in when they look. */
async function apiServerOf(cluster: Cluster): Promise<Admitted> {
  const namespace = 'default';
  const [{ spec }, slices] = await Promise.all([
    cluster.core.readNamespacedService({ name: 'kubernetes', namespace }),
    cluster.discovery.listNamespacedEndpointSlice({
      namespace,
      labelSelector: 'kubernetes.io/service-name=kubernetes',
    }),
  ]);
  const addresses = slices.items.flatMap((slice) =>
    (slice.endpoints ?? []).flatMap((each) => each.addresses),
  );
  const ports = slices.items.flatMap((slice) => (slice.ports ?? []).flatMap((each) => each.port ?? []));
  const blocks = [...addresses, ...(spec?.clusterIP ? [spec.clusterIP] : [])].map(
    (address) => `${address}/${isIPv6(address) ? 128 : 32}`,
  );
  const { rule, text } = admittedBlock(
    [...new Set(blocks)],
    [...new Set([...ports, ...(spec?.ports ?? []).map((each) => each.port)])],
  );
  return { rule, text: `the API server, for the keys of tokens (the server too): ${text}` };
}
