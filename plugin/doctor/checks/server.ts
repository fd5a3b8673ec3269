import type { V1Pod } from '@kubernetes/client-node';
import { hasSidecar, isLive, serverOf } from '../../enable/workload.ts';
import { defineCheck, type Finding } from '../check.ts';
import { podKey, podName, sidecarStatus, stateOf } from '../served.ts';
import type { PodHealth } from '../snapshot.ts';

export const serverChecks = [
  defineCheck({
    code: 'MCP601',
    category: 'server',
    title: 'the servers answer their proxy',
    severity: 'error',
    about:
      'The proxy is up and cannot reach the server behind it: the container has ended, listens elsewhere, or does not speak MCP at the path. Callers get 503.',
    remedy:
      'The finding names the container and its state. If it runs, compare the annotations `port` and `path` with where the server listens.',
    needs: ['pods'],
    uses: ['health'],
    run: ({ pods, health = {} }) =>
      pods
        .filter((pod) => isLive(pod) && hasSidecar(pod))
        .flatMap((pod) => serverDown(pod, health[podKey(pod)])),
  }),
];

/** What the proxy says counts; where it says nothing, a container that does not run cannot answer. */
function serverDown(pod: V1Pod, read: PodHealth | undefined): Finding[] {
  const server = serverOf(pod);
  const status = pod.status?.containerStatuses?.find((each) => each.name === server?.container);
  const isUp = status?.state?.running !== undefined;
  const lost = read && 'health' in read ? read.health.servers.filter((each) => !each.connected) : undefined;
  // A container waits for its proxy: before that has started, its own check tells why.
  if (lost ? lost.length === 0 : isUp || !sidecarStatus(pod)?.started || !status) return [];
  const { name, namespace } = pod.metadata ?? {};
  const address = server ? `port ${server.port}` : 'its port';
  const logs = `kubectl logs ${name} -n ${namespace} -c ${server?.container ?? 'CONTAINER'}`;
  return [
    {
      title: `${podName(pod)}: the server does not answer at ${address}`,
      cause: [
        `container ${server?.container ?? '?'} ${stateOf(status)}`,
        ...(lost ?? []).flatMap((each) => (each.error ? [each.error] : [])),
      ],
      fix: isUp
        ? `${logs}; compare kubectl-mcp.dev/port and path with where it listens`
        : `${logs} --previous`,
    },
  ];
}
