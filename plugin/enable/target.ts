/** The workload that `enable` and `disable` are told to change. Pure. */
import { usageError } from '../errors.ts';
import { parseWorkloadName } from '../kube/workloads.ts';
import type { WorkloadKind } from './workload.ts';

export interface WorkloadRef {
  readonly kind: WorkloadKind;
  readonly name: string;
}

/** A bare name is a Deployment's. @throws {CliError} for what has no template to roll out. */
export function parseWorkloadRef(text: string): WorkloadRef {
  const { kind = 'Deployment', name } = parseWorkloadName(text);
  if (kind !== 'Pod') return { kind, name };
  throw usageError(`pod/${name} has no template: name its deployment, statefulset or daemonset`);
}
