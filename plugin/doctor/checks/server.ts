import type { V1Pod } from '@kubernetes/client-node';
import { isStdio, writtenKey } from '../../../webhook/request.ts';
import { serverTitle } from '../../../webhook/names.ts';
import type { Server } from '../../../webhook/target.ts';
import { hasSidecar, isLive, serversIn } from '../../enable/workload.ts';
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

function serverDown(pod: V1Pod, read: PodHealth | undefined): Finding[] {
  const servers = serversIn(pod);
  const told = read && 'health' in read ? read.health.servers : undefined;
  if (servers.length === 0) return downAt(pod, undefined, told);
  return servers.flatMap((server) =>
    downAt(
      pod,
      server,
      told?.filter(({ name }) => isOf(server, name)),
    ),
  );
}

/** Where annotations name the servers, the proxy calls each WORKLOAD/NAME. */
const isOf = ({ request: { server } }: Server, name: string): boolean =>
  server === undefined || name.endsWith(serverTitle('', server.name));

/** What the proxy says counts; where it says nothing, a container that does not run cannot answer. */
function downAt(
  pod: V1Pod,
  server: Server | undefined,
  told: readonly { readonly connected: boolean; readonly error?: string }[] | undefined,
): Finding[] {
  const { container, port } = server?.target ?? {};
  const status = pod.status?.containerStatuses?.find((each) => each.name === container);
  const isUp = status?.state?.running !== undefined;
  // Of one that is elsewhere or over https MCP602 tells, of one that speaks stdio MCP605.
  const isOfOthers = server && (server.request.upstream || (told && isStdio(server.request)));
  const lost = isOfOthers ? [] : told?.filter((each) => !each.connected);
  // A container waits for its proxy: before that has started, its own check tells why.
  if (lost ? lost.length === 0 : isUp || !sidecarStatus(pod)?.started || !status) return [];
  const { name, namespace } = pod.metadata ?? {};
  const logs = `kubectl logs ${name} -n ${namespace} -c ${container ?? 'CONTAINER'}`;
  return [
    {
      title: `${podName(pod)}: the server does not answer at ${port === undefined ? 'its port' : `port ${port}`}`,
      cause: [
        `container ${container ?? '?'} ${stateOf(status)}`,
        ...(lost ?? []).flatMap((each) => (each.error ? [each.error] : [])),
      ],
      fix: isUp
        ? `${logs}; compare kubectl-mcp.dev/${server ? writtenKey(server.request, 'port') : 'port'} and path with where it listens`
        : `${logs} --previous`,
    },
  ];
}
