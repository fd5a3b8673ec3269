/** The pod that dials, and what its end tells. Pure. */
import type { V1Container, V1Pod } from '@kubernetes/client-node';
import { SIDECAR_CONTAINER } from '../../webhook/names.ts';
import { isReady, serversIn, type Workload } from '../enable/workload.ts';
import { podsOf, serverKey } from './served.ts';
import type { Dial } from './snapshot.ts';

export interface DialTarget {
  readonly key: string;
  readonly pod: string;
  readonly host: string;
  readonly serverPort: number;
  readonly sidecarPort: number;
  readonly image: string;
}

const DIAL_TIMEOUT_MS = 3_000;

/** A ready pod with an address and a sidecar for each server; a workload without one is left out. */
export const dialTargets = (workloads: readonly Workload[], pods: readonly V1Pod[]): DialTarget[] =>
  workloads.flatMap((workload) => {
    const pod = podsOf(workload, pods).find((each) => isReady(each) && each.status?.podIP && imageOf(each));
    if (!pod) return [];
    return serversIn(workload.spec.template).flatMap((server) => {
      const { port } = server.target;
      if (port === undefined) return [];
      return [
        {
          key: serverKey(workload, server),
          pod: pod.metadata!.name!,
          host: pod.status!.podIP!,
          serverPort: port,
          sidecarPort: server.request['listen-port'],
          image: imageOf(pod)!,
        },
      ];
    });
  });

const imageOf = (pod: V1Pod): string | undefined =>
  pod.spec?.initContainers?.find((each) => each.name === SIDECAR_CONTAINER)?.image;

/** Two containers per target: the server's port, and the sidecar's as the proof that the pod can dial at all. */
export const dialPod = (targets: readonly DialTarget[]): V1Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    generateName: 'kubectl-mcp-dial-',
    labels: { 'app.kubernetes.io/managed-by': 'kubectl-mcp', 'app.kubernetes.io/name': 'kubectl-mcp-dial' },
  },
  spec: {
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    activeDeadlineSeconds: 120,
    terminationGracePeriodSeconds: 0,
    securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
    containers: targets.flatMap((target, index) => [
      dialContainer(`server-${index}`, target, target.serverPort),
      dialContainer(`sidecar-${index}`, target, target.sidecarPort),
    ]),
  },
});

const dialContainer = (name: string, { image, host }: DialTarget, port: number): V1Container => ({
  name,
  image,
  imagePullPolicy: 'IfNotPresent',
  command: ['/usr/bin/node', '/app/dial.mjs', host, String(port), '--timeout-ms', String(DIAL_TIMEOUT_MS)],
  // The line that dial prints is the proof of a closed port: exit code 1 alone may be any failure.
  terminationMessagePolicy: 'FallbackToLogsOnError',
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  },
  resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { cpu: '500m', memory: '64Mi' } },
});

export const isFinished = (pod: V1Pod): boolean =>
  pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';

export const dialResults = (targets: readonly DialTarget[], pod: V1Pod): Record<string, Dial> =>
  Object.fromEntries(
    targets.map(({ key, pod: dialled }, index) => {
      const serverOpen = openOf(pod, `server-${index}`);
      const sidecarOpen = openOf(pod, `sidecar-${index}`);
      const fault = faultOf(pod, `server-${index}`);
      return [
        key,
        {
          pod: dialled,
          ...(serverOpen === undefined ? { fault } : { serverOpen }),
          ...(sidecarOpen !== undefined && { sidecarOpen }),
        },
      ];
    }),
  );

function openOf(pod: V1Pod, container: string): boolean | undefined {
  const ended = statusOf(pod, container)?.state?.terminated;
  if (ended?.exitCode === 0) return true;
  return ended?.exitCode === 1 && /"open":\s*false/.test(ended.message ?? '') ? false : undefined;
}

function faultOf(pod: V1Pod, container: string): string {
  const { waiting, terminated } = statusOf(pod, container)?.state ?? {};
  if (terminated)
    return `the dial ended with exit code ${terminated.exitCode}: ${terminated.message?.trim() ?? terminated.reason}`;
  if (waiting)
    return `the probe's pod did not start: ${waiting.reason}${waiting.message ? `: ${waiting.message}` : ''}`;
  const unscheduled = pod.status?.conditions?.find(
    (each) => each.type === 'PodScheduled' && each.status === 'False',
  );
  return unscheduled?.message ?? pod.status?.message ?? "the probe's pod did not end in time";
}

const statusOf = (pod: V1Pod, container: string) =>
  pod.status?.containerStatuses?.find((each) => each.name === container);
