/** The pod that an object asks for, and the object with another one. Pure. */
import type { KubernetesObject, V1Pod, V1PodTemplateSpec } from '@kubernetes/client-node';

type WithTemplate = { template?: V1PodTemplateSpec };
type Spec = WithTemplate & { jobTemplate?: { spec?: WithTemplate } };
type Holder = KubernetesObject & { spec?: Spec };

/** A template's pods have the workload as owner, which their name in audiences comes from. */
export function podIn(object: KubernetesObject): V1Pod | undefined {
  const found = object.kind === 'Pod' ? (object as V1Pod) : podOf(object);
  return Array.isArray(found?.spec?.containers) ? found : undefined;
}

export function withPod(object: KubernetesObject, pod: V1Pod): KubernetesObject {
  if (object.kind === 'Pod') return pod as KubernetesObject;
  const { spec } = object as Holder;
  const { ownerReferences: _, ...metadata } = pod.metadata ?? {};
  const filled = (holder: WithTemplate | undefined) => ({
    ...holder,
    template: { ...holder?.template, metadata, spec: pod.spec },
  });
  return {
    ...object,
    spec: spec?.jobTemplate
      ? { ...spec, jobTemplate: { ...spec.jobTemplate, spec: filled(spec.jobTemplate.spec) } }
      : filled(spec),
  } as KubernetesObject;
}

function podOf(object: KubernetesObject): V1Pod | undefined {
  const { spec } = object as Holder;
  // A CronJob's template is that of its Jobs.
  const template = (spec?.jobTemplate?.spec ?? spec)?.template;
  if (!template?.spec) return undefined;
  const owner = {
    apiVersion: object.apiVersion ?? '',
    kind: object.kind ?? '',
    name: object.metadata?.name ?? '',
    uid: '',
    controller: true,
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...template.metadata, ownerReferences: [owner] },
    spec: template.spec,
  };
}
