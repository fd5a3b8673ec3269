/** The NetworkPolicy that leaves the servers' own ports to the sidecar. Pure. */
import type { V1NetworkPolicy, V1NetworkPolicyPort, V1Service } from '@kubernetes/client-node';
import { networkPolicyName } from '../../webhook/names.ts';
import { ownedMetadata } from './owned.ts';
import { isTcp, reachedPort } from './services.ts';
import { declaredPorts, selectorMatches, type Workload } from './workload.ts';

export interface PolicyInput {
  readonly workload: Workload;
  readonly name: string;
  readonly serverPorts: readonly number[];
  readonly listenPorts: readonly number[];
  readonly adminPort: number;
  /** Services of the namespace that select the pods. */
  readonly services: readonly V1Service[];
  /** Other policies for incoming traffic that select the pods. */
  readonly others: readonly V1NetworkPolicy[];
}

/**
 * Admits the sidecar's ports and every other port of the pod, from everywhere. Where another policy isolates the
 * pods already, their other ports stay with that policy: policies add up, and ours would open what it keeps closed.
 */
export function networkPolicyFor(input: PolicyInput): V1NetworkPolicy {
  const own: V1NetworkPolicyPort[] = [...input.listenPorts, input.adminPort].map(tcp);
  const rest = input.others.length > 0 ? [] : otherPorts(input);
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: ownedMetadata(networkPolicyName(input.name), input.workload.metadata.namespace, input.name),
    spec: {
      podSelector: input.workload.spec.selector,
      policyTypes: ['Ingress'],
      ingress: [{ ports: [...own, ...rest] }],
    },
  };
}

/** Policies for incoming traffic that select the workload's pods, ours apart. */
export const policiesSelecting = (
  policies: readonly V1NetworkPolicy[],
  workload: Workload,
  name: string,
): V1NetworkPolicy[] =>
  policies.filter(
    (each) =>
      each.metadata?.name !== networkPolicyName(name) &&
      (each.spec?.policyTypes ?? ['Ingress']).includes('Ingress') &&
      selectorMatches(each.spec?.podSelector, workload.spec.template.metadata?.labels),
  );

/** Whether a policy lets anyone reach this TCP port; a port by name counts when a container declares it so. */
export const admits = (policy: V1NetworkPolicy, port: number, workload: Workload): boolean =>
  (policy.spec?.ingress ?? []).some(
    (rule) =>
      (rule.ports ?? []).length === 0 ||
      rule.ports!.some((each) => {
        if ((each.protocol ?? 'TCP') !== 'TCP') return false;
        if (each.port === undefined) return true;
        if (typeof each.port === 'string') {
          return declaredPorts(workload.spec.template).some(
            ({ name, number }) => name === each.port && number === port,
          );
        }
        return port >= each.port && port <= (each.endPort ?? each.port);
      }),
  );

/** Of policies that admit a server's port: ours could not close it. */
export const admittedBy = ({ others, serverPorts, workload }: PolicyInput): string[] =>
  others.flatMap((each) => {
    const ports = serverPorts.filter((port) => admits(each, port, workload));
    return ports.length > 0
      ? [
          `networkpolicy.networking.k8s.io/${each.metadata?.name} admits port ${ports.join(' and ')} too, and policies add up: the server would answer past the proxy.\n` +
            'Remove the port there, or give --lockdown loopback where the server can be told its address; --lockdown none leaves it open',
        ]
      : [];
  });

/** A port may be in use undeclared: a Service that reaches it shows it. */
function otherPorts({
  workload,
  services,
  serverPorts,
  listenPorts,
  adminPort,
}: PolicyInput): V1NetworkPolicyPort[] {
  const declared = declaredPorts(workload.spec.template);
  const reached = services.flatMap((service) =>
    (service.spec?.ports ?? []).map((port) => ({
      number: reachedPort(port, declared),
      protocol: isTcp(port) ? 'TCP' : port.protocol!,
    })),
  );
  const seen = new Set([...serverPorts, ...listenPorts, adminPort].map((number) => `TCP/${number}`));
  return [...declared, ...reached].flatMap(({ number, protocol }) => {
    const key = `${protocol}/${number}`;
    if (number === undefined || seen.has(key)) return [];
    seen.add(key);
    return [{ protocol, port: number }];
  });
}

const tcp = (port: number): V1NetworkPolicyPort => ({ protocol: 'TCP', port });
