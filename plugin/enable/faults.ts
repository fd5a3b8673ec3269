/** What makes a template impossible to enable, found before anything is changed. Pure. */
import type { V1Pod } from '@kubernetes/client-node';
import { type Refusal, refusalText } from '../../webhook/refusals.ts';
import { inject, type Injection } from '../../webhook/inject.ts';
import type { InjectSettings } from '../../webhook/settings.ts';
import { objectName, type Workload } from './workload.ts';

/** For decisions about a pod that do not depend on the image. */
export const settingsOf = (namespace: string): InjectSettings => ({
  image: 'any',
  imagePullPolicy: 'IfNotPresent',
  namespace,
  drainRandom: 'x'.repeat(16),
});

const injectionOf = (workload: Workload): Injection =>
  inject(podOf(workload), settingsOf(workload.metadata.namespace));

/** What the webhook would say to who makes a pod: for those of a controller that is nobody. */
export function warningsOf(workload: Workload): string[] {
  const injection = injectionOf(workload);
  return 'warnings' in injection ? injection.warnings : [];
}

/** Why the webhook would refuse a pod of this template. */
export function refusalsOf(workload: Workload): Refusal[] {
  const injection = injectionOf(workload);
  return 'refusals' in injection ? injection.refusals : [];
}

/** The webhook's own decision about a pod of this template, and what keeps a template from rolling out. */
export function faultsOf(workload: Workload, refusals = refusalsOf(workload)): string[] {
  const refused = refusals.length > 0 ? [`${objectName(workload)}: ${refusalText(refusals)}`] : [];
  return [...refused, ...heldUp(workload)];
}

/** Why a new template would not reach the pods. */
export function heldUp(workload: Workload): string[] {
  const name = objectName(workload);
  if (workload.spec.paused) {
    return [`${name} is paused: its pods would stay as they are\nRun kubectl rollout resume ${name}`];
  }
  if (workload.spec.updateStrategy?.type === 'OnDelete') {
    return [`${name} has updateStrategy OnDelete: its pods would stay as they are\nSet it to RollingUpdate`];
  }
  const partition = workload.spec.updateStrategy?.rollingUpdate?.partition ?? 0;
  if (partition > 0) {
    return [`${name} has a partition of ${partition}: pods below it would stay as they are\nSet it to 0`];
  }
  return [];
}

/** A pod as the workload's controller would ask for it. */
export const podOf = ({ metadata, spec }: Workload): V1Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    generateName: `${metadata.name}-`,
    namespace: metadata.namespace,
    ...(spec.template.metadata?.labels && { labels: spec.template.metadata.labels }),
    ...(spec.template.metadata?.annotations && { annotations: spec.template.metadata.annotations }),
  },
  ...(spec.template.spec && { spec: spec.template.spec }),
});
