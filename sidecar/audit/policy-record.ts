import { randomUUID } from 'node:crypto';
import type { ServerConfig } from '../config.ts';
import type { PodFacts } from './record.ts';

/** One line of the audit log for a policy file that was taken, or was not: in the fields of the other records. */
export function policyRecord(event: {
  readonly server: ServerConfig;
  readonly pod: PodFacts;
  /** In force from now on. */
  readonly revision: string | undefined;
  readonly before: string | undefined;
  /** Of the file; then it was not taken. */
  readonly faults: readonly string[];
  readonly date: Date;
}): string {
  const { server, pod, revision, before, faults, date } = event;
  const time = date.toISOString();
  return `${JSON.stringify({
    time,
    level: 'AUDIT',
    msg: 'audit_event',
    audit_id: randomUUID(),
    type: 'policy_change',
    logged_at: time,
    outcome: faults.length === 0 ? 'success' : 'failure',
    component: server.name,
    source: { type: 'local', value: server.policy?.source },
    subjects: {},
    target: { type: 'policy', name: server.policy?.source },
    metadata: {
      extra: { policy: revision, policy_before: before, ...(faults.length > 0 ? { faults } : {}) },
    },
    kubernetes: { namespace: pod.namespace, pod: pod.name, pod_uid: pod.uid, node: pod.node },
  })}\n`;
}
