/** What a namespace's Pod Security level says to a pod (pod-security-admission of Kubernetes 1.34). */
import type { V1Pod } from '@kubernetes/client-node';
import { CONTROLS } from './pod-security-controls.ts';
import type { Level } from './pod-security-controls.ts';

const LABEL = 'pod-security.kubernetes.io/enforce';
const LEVELS: readonly Level[] = ['baseline', 'restricted'];

export interface Violation {
  /** As the API server writes it: `restricted:latest`. */
  readonly level: string;
  /** Each names the field, and where it stands. */
  readonly faults: readonly string[];
}

/** @param labels the namespace's. Levels that only warn keep no pod away, and the API server says them itself. */
export function podSecurityViolation(
  pod: V1Pod,
  labels: Readonly<Record<string, string>>,
): Violation | undefined {
  const named = labels[LABEL];
  if (named === undefined || named === 'privileged' || !pod.spec) return undefined;
  // What it cannot read, the API server takes for the strictest.
  const level = LEVELS.find((each) => each === named) ?? 'restricted';
  const version = labels[`${LABEL}-version`] ?? 'latest';
  const minor = Number(/^v1\.(\d+)$/.exec(version)?.[1] ?? Number.POSITIVE_INFINITY);
  const faults = CONTROLS.filter(
    (control) => LEVELS.indexOf(control.level) <= LEVELS.indexOf(level) && minor >= (control.since ?? 0),
  ).flatMap((control) => control.faults(pod, minor));
  return faults.length === 0 ? undefined : { level: `${level}:${version}`, faults: [...new Set(faults)] };
}
