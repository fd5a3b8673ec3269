import type { V1EndpointSlice, V1Service } from '@kubernetes/client-node';
import { networkPolicyName } from '../../../webhook/names.ts';
import { admits, policiesSelecting } from '../../enable/policy.ts';
import { lockdownOf } from '../../enable/lockdown.ts';
import { isTcp, reachedPort } from '../../enable/services.ts';
import { annotationOf, declaredPorts, listenPorts, serversIn, type Workload } from '../../enable/workload.ts';
import { defineCheck, type Finding } from '../check.ts';
import { asArgument, placed, serverKey, servicesOf } from '../served.ts';
import type { Dial, Values } from '../snapshot.ts';

export const networkChecks = [
  defineCheck({
    code: 'MCP801',
    category: 'network',
    title: 'a Service leads to each enabled workload',
    severity: 'warning',
    about:
      'No Service selects the pods, or none of its ports reaches the proxy: clients have no address for it.',
    remedy: 'Create a Service whose targetPort is the proxy’s listen port (7410).',
    needs: ['workloads', 'services'],
    run: ({ workloads, services }) =>
      workloads.flatMap((workload) => {
        const selecting = servicesOf(workload, services);
        const servers = serversIn(workload.spec.template);
        return listenPorts(workload.spec.template).flatMap((listen, index) => {
          const name = servers[index]?.request.server?.name;
          const own = servers[index]?.target.port ?? listen;
          // One that reaches the server has a check of its own, with a better remedy.
          if (selecting.some((each) => reaches(each, workload, [listen, own]))) return [];
          return [
            {
              title: `no Service leads to the proxy of ${name === undefined ? '' : `server ${name} of `}${placed(workload)}`,
              cause: [
                selecting.length === 0
                  ? 'no Service selects its pods'
                  : `${selecting.map((each) => `service/${each.metadata?.name}`).join(', ')} select its pods, on other ports than ${listen}`,
              ],
              fix: exposeCommand(workload, listen, name),
            },
          ];
        });
      }),
  }),
  defineCheck({
    code: 'MCP802',
    category: 'network',
    title: 'Services that lead to a proxy have ready endpoints',
    severity: 'error',
    about: 'The Service has nobody to send callers to: connections are refused.',
    remedy:
      'See which container of the pods is not ready: `kubectl get pods`. The proxy’s readiness never follows the server.',
    needs: ['workloads', 'services', 'endpoints'],
    causedBy: ['MCP401', 'MCP404', 'MCP501', 'MCP502', 'MCP601'],
    run: ({ workloads, services, endpoints }) =>
      workloads.flatMap((workload) =>
        servicesOf(workload, services)
          .filter((each) => reaches(each, workload, listenPorts(workload.spec.template)))
          .filter((each) => !hasReady(each, endpoints))
          .map((service) => ({
            title: `${placed(service)} has no ready endpoint`,
            cause: [
              workload.spec.replicas === 0
                ? `${placed(workload)} is scaled to 0`
                : `no pod of ${placed(workload)} is ready`,
            ],
            fix: `kubectl get pods -n ${workload.metadata.namespace} -l ${labelQuery(service.spec?.selector)}`,
          })),
      ),
  }),
  defineCheck({
    code: 'MCP609',
    category: 'network',
    title: "the server's own port answers no other pod (dialled)",
    severity: 'warning',
    about:
      'Another pod reached the server’s own port, past the proxy, with no authentication. Only said after a dial (`--probe`); `docs/security.md` lists what else stays open.',
    remedy:
      '`kubectl mcp enable` writes a NetworkPolicy; a network plug-in must enforce it. Where none does, let the server listen on 127.0.0.1 alone (`--lockdown loopback`, `docs/lockdown.md`).',
    needs: ['workloads', 'dials'],
    uses: ['policies'],
    run: ({ workloads, dials, policies }) =>
      workloads.flatMap((workload) =>
        serversIn(workload.spec.template).flatMap((server) => {
          const dial = dials[serverKey(workload, server)];
          const { port } = server.target;
          return dial && port !== undefined ? bypass(workload, port, dial, policies) : [];
        }),
      ),
  }),
];

function bypass(
  workload: Workload,
  port: number,
  dial: Dial,
  policies: Values['policies'] | undefined,
): Finding[] {
  const name = placed(workload);
  if (dial.serverOpen === undefined) {
    return [
      {
        title: `${name}: whether port ${port} is closed is not known`,
        cause: [dial.fault ?? 'the dial told nothing'],
      },
    ];
  }
  if (!dial.serverOpen) {
    if (dial.sidecarOpen) return [];
    return [
      {
        title: `${name}: whether port ${port} is closed is not known`,
        cause: [`the probe's pod reached not even the proxy of ${dial.pod}, so a closed port proves nothing`],
        fix: 'give --probe-namespace: a namespace whose pods may call out',
      },
    ];
  }
  const reached = `port ${port} of pod ${dial.pod} took a connection from another pod`;
  const mcpName = annotationOf(workload.spec.template, 'name') ?? workload.metadata.name;
  const local = policies?.filter((each) => each.metadata?.namespace === workload.metadata.namespace);
  const ours = local?.find((each) => each.metadata?.name === networkPolicyName(mcpName));
  const opener =
    ours && policiesSelecting(local!, workload, mcpName).find((each) => admits(each, port, workload));
  if (opener) {
    return [
      {
        title: `${name}: the server's own port answers other pods: a NetworkPolicy admits it`,
        cause: [reached, `networkpolicy/${opener.metadata?.name} admits port ${port}; policies add up`],
        fix: `kubectl edit networkpolicy/${opener.metadata?.name} -n ${workload.metadata.namespace}`,
      },
    ];
  }
  const lockdown = lockdownOf(workload);
  if (lockdown === 'loopback') {
    return [
      {
        title: `${name}: the server's own port answers other pods: it does not listen on the loopback alone`,
        cause: [reached, 'lockdown is "loopback", and the server does not do what it is told'],
        fix:
          'tell it its address as its documentation says (loopback-env, loopback-args), or: kubectl mcp enable ' +
          `${asArgument(workload)} --lockdown network-policy`,
      },
    ];
  }
  if (lockdown === 'none') {
    return [
      {
        title: `${name}: the server's own port answers other pods: nothing is to close it`,
        cause: [reached, 'lockdown is "none"'],
        fix: `kubectl mcp enable ${asArgument(workload)} --lockdown network-policy`,
      },
    ];
  }
  if (ours) {
    return [
      {
        title: `${name}: the server's own port answers other pods: this network enforces no NetworkPolicy`,
        cause: [reached, `networkpolicy/${ours.metadata?.name} is there and would close it`],
        fix: 'use a network plug-in that enforces NetworkPolicy, or let the server listen on 127.0.0.1 alone: kubectl mcp enable --lockdown loopback (docs/lockdown.md)',
      },
    ];
  }
  return [
    {
      title: `${name}: the server's own port answers other pods${policies ? ': no NetworkPolicy closes it' : ''}`,
      cause: [reached],
      fix: `kubectl mcp enable ${asArgument(workload)}`,
    },
  ];
}

/** kubectl can expose a Deployment alone. */
const exposeCommand = ({ kind, metadata, spec }: Workload, listen: number, server?: string): string =>
  kind === 'Deployment'
    ? `kubectl expose deployment/${metadata.name} -n ${metadata.namespace} --port=80 --target-port=${listen} --name=${metadata.name}-${server ?? 'mcp'}`
    : `create a Service with targetPort ${listen} that selects ${labelQuery(spec.selector.matchLabels)}`;

const reaches = (service: V1Service, workload: Workload, targets: readonly number[]): boolean =>
  (service.spec?.ports ?? []).some(
    (port) => isTcp(port) && targets.includes(reachedPort(port, declaredPorts(workload.spec.template)) ?? 0),
  );

const hasReady = ({ metadata }: V1Service, endpoints: readonly V1EndpointSlice[]): boolean =>
  endpoints.some(
    (slice) =>
      slice.metadata?.namespace === metadata?.namespace &&
      slice.metadata?.labels?.['kubernetes.io/service-name'] === metadata?.name &&
      (slice.endpoints ?? []).some((each) => each.conditions?.ready !== false),
  );

const labelQuery = (labels: Record<string, string> | undefined): string =>
  Object.entries(labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
