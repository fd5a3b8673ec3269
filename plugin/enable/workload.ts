/** What a workload's template says: ports, labels, annotations of ours. Pure. */
import type {
  KubernetesObject,
  V1Container,
  V1LabelSelector,
  V1ObjectMeta,
  V1Pod,
  V1PodTemplateSpec,
} from '@kubernetes/client-node';
import { ANNOTATIONS, type AnnotationKey } from '../../webhook/annotations.ts';
import { parseAnnotations } from '../../webhook/parse-annotations.ts';
import { PREFIX, SIDECAR_CONTAINER } from '../../webhook/names.ts';
import { textsOfServers } from '../../webhook/server-keys.ts';
import { type Server, serversOf, type Target } from '../../webhook/target.ts';

export const WORKLOAD_KINDS = ['Deployment', 'StatefulSet', 'DaemonSet'] as const;
export type WorkloadKind = (typeof WORKLOAD_KINDS)[number];

/** What `enable` works on: the three kinds that roll a template out. */
export interface Workload extends KubernetesObject {
  apiVersion: 'apps/v1';
  kind: WorkloadKind;
  metadata: V1ObjectMeta & { name: string; namespace: string };
  spec: {
    selector: V1LabelSelector;
    template: V1PodTemplateSpec;
    replicas?: number;
    paused?: boolean;
    updateStrategy?: { type?: string; rollingUpdate?: { partition?: number } };
  };
  status?: Record<string, unknown>;
}

/** `deployment.apps/web`, kubectl's name of an object. */
export function objectName(object: KubernetesObject): string {
  const group = object.apiVersion?.includes('/') ? `.${object.apiVersion.split('/')[0]}` : '';
  return `${(object.kind ?? 'object').toLowerCase()}${group}/${object.metadata?.name ?? ''}`;
}

/** An annotation of ours, without its default. */
export const annotationOf = (
  holder: { metadata?: V1ObjectMeta } | undefined,
  key: AnnotationKey,
): string | undefined => holder?.metadata?.annotations?.[PREFIX + key];

/** The port that an annotation or its default gives; NaN where the annotation is no number. */
export const ownPort = (
  holder: { metadata?: V1ObjectMeta } | undefined,
  key: 'listen-port' | 'admin-port',
): number => Number(annotationOf(holder, key) ?? ANNOTATIONS[key].default);

export const isOptedIn = (holder: { metadata?: V1ObjectMeta } | undefined): boolean =>
  annotationOf(holder, 'inject') === 'true';

export interface DeclaredPort {
  readonly container: string;
  readonly number: number;
  readonly name?: string;
  readonly protocol: string;
}

/** The ports that the template's own containers declare; the sidecar's are not among them. */
export const declaredPorts = (template: { spec?: { containers: V1Container[] } }): DeclaredPort[] =>
  (template.spec?.containers ?? [])
    .filter((each) => each.name !== SIDECAR_CONTAINER)
    .flatMap((container) =>
      (container.ports ?? []).map((port) => ({
        container: container.name,
        number: port.containerPort,
        ...(port.name !== undefined && { name: port.name }),
        protocol: port.protocol ?? 'TCP',
      })),
    );

/** The servers of a pod, by the webhook's own rule; none where it would refuse the pod. */
export function serversIn(template: V1PodTemplateSpec | V1Pod): readonly Server[] {
  const parsed = parseAnnotations(template.metadata?.annotations);
  if ('refusals' in parsed) return [];
  const servers = serversOf(template as V1Pod, parsed.servers);
  return 'refusals' in servers ? [] : servers;
}

/** Which container and port is the server, or the first of several. */
export const serverOf = (template: V1PodTemplateSpec | V1Pod): Target | undefined =>
  serversIn(template)[0]?.target;

/** Where the proxy listens for each server, as it is written, whether the webhook takes it or not. */
export const listenPorts = (template: V1PodTemplateSpec | V1Pod): number[] =>
  textsOfServers(template.metadata?.annotations).servers.map(({ texts }) =>
    Number(texts.get('listen-port') ?? ANNOTATIONS['listen-port'].default),
  );

/** A Service without a selector, or with an empty one, selects nothing of itself. */
export const serviceSelects = (
  selector: Record<string, string> | undefined,
  labels: Record<string, string> | undefined,
): boolean =>
  Object.keys(selector ?? {}).length > 0 &&
  Object.entries(selector!).every(([key, value]) => labels?.[key] === value);

/** Label selector of a workload or NetworkPolicy: empty selects everything. */
export function selectorMatches(
  selector: V1LabelSelector | undefined,
  labels: Record<string, string> = {},
): boolean {
  const byLabels = Object.entries(selector?.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return (
    byLabels &&
    (selector?.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === 'Exists') return value !== undefined;
      if (operator === 'DoesNotExist') return value === undefined;
      if (operator === 'In') return value !== undefined && values.includes(value);
      return value === undefined || !values.includes(value);
    })
  );
}

/** Runs, or may yet: not finished and not on its way out. */
export const isLive = (pod: V1Pod): boolean =>
  !pod.metadata?.deletionTimestamp && pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed';

export const isReady = (pod: V1Pod): boolean =>
  isLive(pod) &&
  (pod.status?.conditions ?? []).some((each) => each.type === 'Ready' && each.status === 'True');

export const hasSidecar = (pod: V1Pod | { spec?: { initContainers?: V1Container[] } }): boolean =>
  (pod.spec?.initContainers ?? []).some((each) => each.name === SIDECAR_CONTAINER);
