/** A manifest → the same with the sidecar, by the webhook's own decision, and the way back. Pure. */
import type { KubernetesObject, V1Pod } from '@kubernetes/client-node';
import { inject } from '../../webhook/inject.ts';
import { runWarnings } from '../../webhook/judge-workload.ts';
import { refusalText } from '../../webhook/refusals.ts';
import { uninject } from '../../webhook/uninject.ts';
import { CliError } from '../errors.ts';
import { resourceName } from '../kube/apply.ts';
import { podIn, withPod } from '../../webhook/pod-in-object.ts';

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

/** @throws {CliError} with a line for each object that the webhook would refuse. */
export function injectObjects(objects: readonly KubernetesObject[], options: InjectOptions): Injected[] {
  const faults: string[] = [];
  const injected = objects.flatMap((each) => {
    try {
      return [injectObject(each, options)];
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      faults.push(error.message);
      return [];
    }
  });
  if (faults.length > 0) throw new CliError(faults.join('\n'));
  return injected;
}

/** @throws {CliError} for what the webhook would refuse. */
export function injectObject(object: KubernetesObject, { image, namespace }: InjectOptions): Injected {
  const pod = podIn(object);
  if (!pod) return { object, warnings: [] };
  checkAnnotations(object, pod);
  const result = asTyped(object, () =>
    inject(pod, {
      image,
      imagePullPolicy: 'IfNotPresent',
      namespace: object.metadata?.namespace ?? namespace,
      drainRandom: DRAIN_RANDOM,
    }),
  );
  if ('untouched' in result) return { object, warnings: [] };
  if ('refusals' in result) throw new CliError(`${resourceName(object)}: ${refusalText(result.refusals)}`);
  return {
    object: withPod(object, result.pod),
    warnings: [...result.warnings, ...runWarnings(object, pod)].map(
      (each) => `${resourceName(object)}: ${each}`,
    ),
  };
}

/** The annotations stay. An object without the sidecar is returned as it is. */
export function uninjectObject(object: KubernetesObject): KubernetesObject {
  const pod = podIn(object);
  if (!pod) return object;
  const without = asTyped(object, () => uninject(pod));
  return without === pod ? object : withPod(object, without);
}

/** YAML makes `inject: true` a boolean, which the API server takes as little as we do. */
function checkAnnotations(object: KubernetesObject, { metadata }: V1Pod): void {
  for (const [key, value] of Object.entries(metadata?.annotations ?? {}) as [string, unknown][]) {
    if (typeof value === 'string') continue;
    const shown = JSON.stringify(value);
    throw new CliError(
      `${resourceName(object)}: the annotation ${key} is ${shown}, which is not a text: write ${key}: "${shown}"`,
    );
  }
}

/** What a person wrote has not been through the API server, which answers for its types. */
function asTyped<T>(object: KubernetesObject, decide: () => T): T {
  try {
    return decide();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new CliError(
      `${resourceName(object)}: its pod is not what the API server takes: ${error.message}`,
      {
        cause: error,
      },
    );
  }
}
