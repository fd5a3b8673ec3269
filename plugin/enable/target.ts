/** `deploy/NAME` and its other spellings. Pure. */
import { usageError } from '../errors.ts';
import type { WorkloadKind } from './workload.ts';

export interface WorkloadRef {
  readonly kind: WorkloadKind;
  readonly name: string;
}

const SPELLINGS: Record<WorkloadKind, readonly string[]> = {
  Deployment: ['deploy', 'deployment', 'deployments', 'deployment.apps', 'deployments.apps'],
  StatefulSet: ['sts', 'statefulset', 'statefulsets', 'statefulset.apps', 'statefulsets.apps'],
  DaemonSet: ['ds', 'daemonset', 'daemonsets', 'daemonset.apps', 'daemonsets.apps'],
};

/** @throws {CliError} when it is neither `KIND/NAME` with a kind that rolls a template out, nor a bare name. */
export function parseWorkloadRef(text: string): WorkloadRef {
  const [kind, name, ...rest] = text.includes('/') ? text.split('/') : ['deployment', text];
  if (!kind || !name || rest.length > 0) {
    throw usageError(`"${text}" is not KIND/NAME, for example deployment/web`);
  }
  for (const [found, spellings] of Object.entries(SPELLINGS)) {
    if (spellings.includes(kind.toLowerCase())) return { kind: found as WorkloadKind, name };
  }
  throw usageError(`"${kind}" is not a deployment, statefulset or daemonset`);
}
