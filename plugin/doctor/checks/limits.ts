import type { V1Deployment, V1Pod } from '@kubernetes/client-node';
import { foresee } from '../../../webhook/foresee/foresee.ts';
import type { Foreseen } from '../../../webhook/foresee/foreseen.ts';
import { podOf, settingsOf } from '../../enable/faults.ts';
import { rolloutState } from '../../enable/rollout.ts';
import type { Workload } from '../../enable/workload.ts';
import { defineCheck, type Finding } from '../check.ts';
import { placed, podsOf } from '../served.ts';

export const limitChecks = [
  defineCheck({
    code: 'MCP901',
    category: 'injection',
    title: 'the Pod Security levels of the namespaces admit the pods of enabled workloads',
    severity: 'error',
    about:
      'The pod template violates the level that its namespace enforces. The proxy itself satisfies `restricted`: what is named is in the template. While all pods run it is a warning: they were made before the level was set, or the API server excepts them from it.',
    remedy: 'Change the named fields of the pod template, or the level of the namespace.',
    needs: ['workloads', 'namespaceLabels'],
    run: ({ workloads, namespaceLabels }) =>
      workloads.flatMap((workload) => {
        const name = workload.metadata.namespace;
        const found = foresee(
          podOf(workload),
          { name, labels: namespaceLabels[name] ?? {} },
          settingsOf(name),
        );
        return findings(workload, found, 'its namespace forbids its pods');
      }),
  }),
  defineCheck({
    code: 'MCP903',
    category: 'injection',
    title: 'LimitRanges and quotas leave room for the pods of enabled workloads, with the proxy',
    severity: 'error',
    about:
      'A LimitRange does not admit the pod with the proxy, or a ResourceQuota has no room for the pods that are missing. While all pods run it is a warning: the next ones would be refused, or a rolling update, which makes a pod before it ends one, would not begin.',
    remedy:
      'Give the pod template an init container `mcp-proxy` with the resources that the finding names, or have the object changed.',
    needs: ['workloads', 'pods', 'limits'],
    run: ({ workloads, pods, limits }) =>
      workloads.flatMap((workload) => {
        const name = workload.metadata.namespace;
        const { limitRanges = [], quotas = [] } = limits[name] ?? {};
        const coming = podsToCome(workload, pods);
        const rules = { name, limitRanges, quotas: coming > 0 ? quotas : [] };
        const found = foresee(podOf(workload), rules, settingsOf(name), coming);
        return findings(workload, found, 'its namespace has no room for its pods');
      }),
  }),
];

const findings = (workload: Workload, found: readonly Foreseen[], title: string): Finding[] =>
  found.length === 0
    ? []
    : [
        {
          title: `${placed(workload)}: ${title}`,
          cause: found.map(({ message }) => message),
          fix: [...new Set(found.map(({ mend }) => mend))].join('; '),
          ...(rolloutState(workload).done && { severity: 'warning' as const }),
        },
      ];

/** Those that are missing; else what an update needs beside those that are there. */
function podsToCome(workload: Workload, pods: readonly V1Pod[]): number {
  const wanted =
    workload.kind === 'DaemonSet'
      ? Number(workload.status?.['desiredNumberScheduled'] ?? 0)
      : (workload.spec.replicas ?? 1);
  const missing = wanted - podsOf(workload, pods).length;
  return missing > 0 ? missing : wanted > 0 && surges(workload, wanted) ? 1 : 0;
}

/** A Deployment that may not end a pod before there is another; by default one of up to three replicas. */
function surges({ kind, spec }: Workload, replicas: number): boolean {
  if (kind !== 'Deployment') return false;
  const { type, rollingUpdate } = (spec as V1Deployment['spec'])?.strategy ?? {};
  const most = String(rollingUpdate?.maxUnavailable ?? '25%');
  const ended = most.endsWith('%') ? Math.floor((Number.parseFloat(most) / 100) * replicas) : Number(most);
  return type !== 'Recreate' && ended < 1;
}
