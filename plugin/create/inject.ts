/** A manifest → the same with the sidecar, by the webhook's own decision. Pure. */
import type { KubernetesObject, V1Pod, V1PodTemplateSpec } from '@kubernetes/client-node';
import { inject } from '../../webhook/inject.ts';
import { refusalText } from '../../webhook/refusals.ts';
import { CliError } from '../errors.ts';
import { resourceName } from '../kube/apply.ts';

export interface Injected {
  readonly object: KubernetesObject;
  readonly warnings: readonly string[];
}

interface InjectOptions {
  readonly image: string;
  /** Of objects that name none. */
  readonly namespace: string;
}

/** The random part of the drain path must be the same in every run, so that output can be compared; it is no secret. */
const DRAIN_RANDOM = 'kubectl-mcp-inject';

/** @throws {CliError} for what the webhook would refuse. */
export function injectObject(object: KubernetesObject, { image, namespace }: InjectOptions): Injected {
  const pod = podOf(object);
  if (!pod) return { object, warnings: [] };
  const result = inject(pod, {
    image,
    imagePullPolicy: 'IfNotPresent',
    namespace: object.metadata?.namespace ?? namespace,
    drainRandom: DRAIN_RANDOM,
  });
  if ('untouched' in result) return { object, warnings: [] };
  if ('refusals' in result) throw new CliError(`${resourceName(object)}: ${refusalText(result.refusals)}`);
  return {
    object: withPod(object, result.pod),
    warnings: result.warnings.map((each) => `${resourceName(object)}: ${each}`),
  };
}

type WithTemplate = KubernetesObject & { spec?: { template?: V1PodTemplateSpec } };

/** A template's pods have the workload as owner, which their name in audiences comes from. */
function podOf(object: KubernetesObject): V1Pod | undefined {
  if (object.kind === 'Pod') return object as V1Pod;
  const template = (object as WithTemplate).spec?.template;
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

function withPod(object: KubernetesObject, pod: V1Pod): KubernetesObject {
  if (object.kind === 'Pod') return pod as KubernetesObject;
  const { spec } = object as WithTemplate;
  const { ownerReferences: _owner, ...metadata } = pod.metadata ?? {};
  return {
    ...object,
    spec: { ...spec, template: { ...spec?.template, metadata, spec: pod.spec } },
  } as KubernetesObject;
}
