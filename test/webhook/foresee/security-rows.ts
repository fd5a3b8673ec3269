/** Pod Security levels. */
import type { V1PodSpec } from '@kubernetes/client-node';
import { init, pod, server } from './row.ts';
import type { Row } from './row.ts';

export const enforce = (level: string, version?: string) => ({
  'pod-security.kubernetes.io/enforce': level,
  ...(version !== undefined && { 'pod-security.kubernetes.io/enforce-version': version }),
});
const strict = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
};
const secured = (context: object, more: object = {}, ofPod: object = {}): V1PodSpec => ({
  containers: [server({}, {}, { securityContext: context, ...more })],
  ...ofPod,
});
const violates = (level: 'baseline' | 'restricted', title: string, spec: V1PodSpec): Row => ({
  title: `${level}: ${title}`,
  labels: enforce(level),
  pod: spec,
  refused: 'PodSecurityViolated',
});
const without = (field: keyof typeof strict) =>
  Object.fromEntries(Object.entries(strict).filter(([key]) => key !== field));
const probe = { httpGet: { path: '/', port: 3001, host: '127.0.0.1' } };
const keepalive = {
  securityContext: { sysctls: [{ name: 'net.ipv4.tcp_keepalive_time', value: '60' }] },
};

export const SECURITY_ROWS: readonly Row[] = [
  {
    title: 'privileged: all is admitted',
    labels: enforce('privileged'),
    pod: secured({}, {}, { hostIPC: true }),
  },
  { title: 'baseline: a pod that says nothing', labels: enforce('baseline'), pod: pod() },
  { title: 'restricted: a pod that says all', labels: enforce('restricted'), pod: secured(strict) },
  {
    title: 'restricted: the pod says it for its containers',
    labels: enforce('restricted', 'latest'),
    pod: secured(
      { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } },
      {},
      {
        securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      },
    ),
  },
  { title: 'levels that only warn', labels: { 'pod-security.kubernetes.io/warn': 'restricted' }, pod: pod() },
  violates('baseline', 'hostPID', secured({ runAsUser: 1000 }, {}, { hostPID: true })),
  violates('baseline', 'a capability', secured({ capabilities: { add: ['NET_ADMIN'] } })),
  violates('baseline', 'hostIPC', pod({}, {}, { hostIPC: true })),
  violates('baseline', 'hostPath', pod({}, {}, { volumes: [{ name: 'node', hostPath: { path: '/' } }] })),
  violates('baseline', 'hostPort', secured({}, { ports: [{ containerPort: 3001, hostPort: 3001 }] })),
  violates('baseline', 'the host of a probe', secured({}, { readinessProbe: probe })),
  violates('baseline', 'seccomp', secured({ seccompProfile: { type: 'Unconfined' } })),
  violates('baseline', 'AppArmor', secured({ appArmorProfile: { type: 'Unconfined' } })),
  violates('baseline', 'SELinux type', secured({ seLinuxOptions: { type: 'spc_t' } })),
  violates(
    'baseline',
    'SELinux user',
    pod({}, {}, { securityContext: { seLinuxOptions: { user: 'system_u' } } }),
  ),
  violates(
    'baseline',
    'a sysctl',
    pod({}, {}, { securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } }),
  ),
  violates('restricted', 'a pod that says nothing', pod()),
  ...(Object.keys(strict) as (keyof typeof strict)[]).map((field) =>
    violates('restricted', `without ${field}`, secured(without(field))),
  ),
  violates('restricted', 'runAsUser 0', secured(strict, {}, { securityContext: { runAsUser: 0 } })),
  violates(
    'restricted',
    'the pod denies what its containers say',
    secured(strict, {}, { securityContext: { runAsNonRoot: false } }),
  ),
  violates(
    'restricted',
    'a type of volume',
    secured(strict, {}, { volumes: [{ name: 'share', nfs: { server: 'nfs', path: '/' } }] }),
  ),
  violates('restricted', 'an init container', secured(strict, {}, { initContainers: [init('setup', {})] })),
  {
    title: 'baseline v1.33: the host of a probe was not looked at',
    labels: enforce('baseline', 'v1.33'),
    pod: secured({}, { readinessProbe: probe }),
  },
  {
    title: 'baseline v1.34: the host of a probe is looked at',
    labels: enforce('baseline', 'v1.34'),
    pod: secured({}, { readinessProbe: probe }),
    refused: 'PodSecurityViolated',
  },
  {
    title: 'baseline v1.29: a sysctl that had become safe',
    labels: enforce('baseline', 'v1.29'),
    pod: pod({}, {}, keepalive),
  },
  {
    title: 'baseline v1.28: a sysctl that was not safe yet',
    labels: enforce('baseline', 'v1.28'),
    pod: pod({}, {}, keepalive),
    refused: 'PodSecurityViolated',
  },
];
