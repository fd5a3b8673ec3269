/** Workloads with what belongs to them: words that several checks share. Pure. */
import type { V1ContainerStatus, V1Pod, V1Service } from '@kubernetes/client-node';
import type { InjectionRequest } from '../../webhook/request.ts';
import { SIDECAR_CONTAINER } from '../../webhook/names.ts';
import type { Server } from '../../webhook/target.ts';
import {
  hasSidecar,
  isLive,
  isOptedIn,
  objectName,
  selectorMatches,
  serviceSelects,
  type Workload,
} from '../enable/workload.ts';
import type { Health, Values } from './snapshot.ts';

/** `deployment.apps/x in namespace demo`. */
export const placed = (object: Workload | V1Service): string =>
  `${objectName(object)} in namespace ${object.metadata?.namespace}`;

export const podName = (pod: V1Pod): string =>
  `pod ${pod.metadata?.name} in namespace ${pod.metadata?.namespace}`;

export const podKey = (pod: V1Pod): string => `${pod.metadata?.namespace}/${pod.metadata?.name}`;

export const workloadKey = ({ kind, metadata }: Workload): string =>
  `${metadata.namespace}/${kind}/${metadata.name}`;

/** Of one of the servers that annotations name in a workload. */
export const serverKey = (workload: Workload, { request }: Server): string =>
  [workloadKey(workload), ...(request.server ? [request.server.name] : [])].join('/');

/** As commands take it: `deployment/x -n demo`. */
export const asArgument = ({ kind, metadata }: Workload): string =>
  `${kind.toLowerCase()}/${metadata.name} -n ${metadata.namespace}`;

/** `enable` writes what is for a server without a name. */
export const changeCommand = (workload: Workload, { server }: InjectionRequest, flag: string): string =>
  server === undefined
    ? `kubectl mcp enable ${asArgument(workload)} ${flag}`
    : `kubectl edit ${asArgument(workload)}`;

export const podsOf = (workload: Workload, pods: readonly V1Pod[]): V1Pod[] =>
  pods.filter(
    (pod) =>
      isLive(pod) &&
      pod.metadata?.namespace === workload.metadata.namespace &&
      selectorMatches(workload.spec.selector, pod.metadata?.labels),
  );

export const servicesOf = (workload: Workload, services: readonly V1Service[]): V1Service[] =>
  services.filter(
    (each) =>
      each.metadata?.namespace === workload.metadata.namespace &&
      serviceSelects(each.spec?.selector, workload.spec.template.metadata?.labels),
  );

/** Pods that should have a sidecar: of opted-in templates, and opted in themselves. */
export const wantedPods = ({ workloads, pods }: Pick<Values, 'workloads' | 'pods'>): V1Pod[] =>
  pods.filter(
    (pod) => isLive(pod) && (isOptedIn(pod) || workloads.some((each) => podsOf(each, [pod]).length > 0)),
  );

/** Each server as its proxy's `/health` tells of it, where that could be read. */
export const toldServers = ({ pods, health }: Pick<Values, 'pods' | 'health'>) =>
  pods
    .filter((pod) => isLive(pod) && hasSidecar(pod))
    .flatMap((pod) => {
      const read = health[podKey(pod)];
      const servers: Health['servers'] = read && 'health' in read ? read.health.servers : [];
      return servers.map((server) => ({ pod, server }));
    });

/** Where the proxy of a pod says more. */
export const proxyLogs = ({ metadata }: V1Pod): string =>
  `kubectl logs ${metadata?.name} -n ${metadata?.namespace} -c ${SIDECAR_CONTAINER}`;

export const sidecarStatus = (pod: V1Pod): V1ContainerStatus | undefined =>
  pod.status?.initContainerStatuses?.find((each) => each.name === SIDECAR_CONTAINER);

/** `terminated: exit code 137 (OOMKilled), restarts 3`: the state of a container, and how its last run ended. */
export function stateOf(status: V1ContainerStatus | undefined): string {
  if (!status) return 'not started';
  const { state, lastState, restartCount } = status;
  const restarts = restartCount > 0 ? [`restarts ${restartCount}`] : [];
  const ended = state?.terminated ?? lastState?.terminated;
  const exit = ended ? [`exit code ${ended.exitCode}${ended.reason ? ` (${ended.reason})` : ''}`] : [];
  if (state?.terminated) return `terminated: ${[...exit, ...restarts].join(', ')}`;
  const last = exit.map((each) => `last ${each}`);
  if (state?.waiting) {
    return `waiting: ${[state.waiting.reason ?? 'unknown reason', ...last, ...restarts].join(', ')}`;
  }
  return ['running', ...last, ...restarts].join(', ');
}
