import type { CoreV1Event } from '@kubernetes/client-node';
import { SIDECAR_CONTAINER } from '../../../webhook/names.ts';
import { portsOf } from '../../../webhook/target.ts';
import { rolloutState } from '../../enable/rollout.ts';
import { reachedPort, isTcp } from '../../enable/services.ts';
import { declaredPorts, hasSidecar, serversIn, type Workload } from '../../enable/workload.ts';
import { defineCheck } from '../check.ts';
import { isCreator, lastTimeMs } from '../event-words.ts';
import { decodeRefusal } from '../refusal.ts';
import { asArgument, placed, podName, podsOf, servicesOf, wantedPods } from '../served.ts';

const WEBHOOK_FAULTS = ['MCP101', 'MCP102', 'MCP109'];

export const injectionChecks = [
  defineCheck({
    code: 'MCP401',
    category: 'injection',
    title: 'every pod that should have the proxy has it',
    severity: 'error',
    about:
      'The pod was created before its template was annotated, or while nobody injected. Its server answers without authentication.',
    remedy: 'Restart the workload: `kubectl rollout restart KIND/NAME`.',
    needs: ['workloads', 'pods'],
    causedBy: WEBHOOK_FAULTS,
    run: ({ workloads, pods }) =>
      wantedPods({ workloads, pods })
        .filter((pod) => !hasSidecar(pod))
        .map((pod) => {
          const owner = workloads.find((each) => podsOf(each, [pod]).length > 0);
          return {
            title: `${podName(pod)} has no container ${SIDECAR_CONTAINER}`,
            cause: [
              ...(owner ? [`it belongs to ${placed(owner)}`] : []),
              'its server answers without authentication',
            ],
            fix: owner
              ? `kubectl rollout restart ${asArgument(owner)}`
              : `create the pod anew: kubectl delete pod ${pod.metadata?.name} -n ${pod.metadata?.namespace}`,
          };
        }),
  }),
  defineCheck({
    code: 'MCP404',
    category: 'injection',
    title: 'the pods of enabled workloads can be created',
    severity: 'error',
    about:
      'The API server refuses new pods of the workload. The event is decoded: our webhook, a webhook that cannot be reached, Pod Security, a LimitRange, or a quota.',
    remedy: 'Mend what the message names; the workload tries again by itself.',
    needs: ['workloads', 'events'],
    causedBy: ['MCP101', 'MCP102', 'MCP109', 'MCP303'],
    run: ({ workloads, events }) =>
      workloads.flatMap((workload) => {
        // An event lives an hour: it tells nothing of a workload that has got all its pods since.
        if (rolloutState(workload).done) return [];
        const message = replicaFailure(workload) ?? newest(workload, events)?.message;
        if (message === undefined) return [];
        const { cause, fix } = decodeRefusal(message);
        return [{ title: `${placed(workload)} cannot create pods`, cause: [cause], fix }];
      }),
  }),
  defineCheck({
    code: 'MCP405',
    category: 'injection',
    title: 'Services of enabled workloads reach the proxy, not the server',
    severity: 'error',
    about: 'The Service leads past the proxy: its callers are not authenticated, filtered or audited.',
    remedy:
      'Run `kubectl mcp enable KIND/NAME` again: it repoints the Services that reach the server’s port.',
    needs: ['workloads', 'services'],
    run: ({ workloads, services }) =>
      workloads.flatMap((workload) => {
        const ports = portsOf(serversIn(workload.spec.template));
        const declared = declaredPorts(workload.spec.template);
        return servicesOf(workload, services).flatMap((service) =>
          (service.spec?.ports ?? [])
            .filter((port) => isTcp(port) && ports.includes(reachedPort(port, declared) ?? 0))
            .map((port) => ({
              title: `${placed(service)}: port ${port.port} reaches the server's own port ${reachedPort(port, declared)}`,
              cause: [`callers pass by the proxy of ${placed(workload)}`],
              fix: `kubectl mcp enable ${asArgument(workload)}`,
            })),
        );
      }),
  }),
];

function replicaFailure({ status }: Workload): string | undefined {
  const conditions = (status?.['conditions'] ?? []) as { type: string; status: string; message?: string }[];
  return conditions.find((each) => each.type === 'ReplicaFailure' && each.status === 'True')?.message;
}

const newest = (workload: Workload, events: readonly CoreV1Event[]): CoreV1Event | undefined =>
  events
    .filter(({ involvedObject, metadata }) => isCreator(workload, involvedObject, metadata.namespace))
    .toSorted((a, b) => lastTimeMs(b) - lastTimeMs(a))[0];
