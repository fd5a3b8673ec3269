/** What the test of the edge puts into its namespace. */
import type { Issued } from '../certificates.ts';
import { imageName } from '../images/build.ts';
import { PAUSE_IMAGE } from '../rig/cluster/layout.ts';
import { headerServerScript } from './header-server.ts';
import { kubectl } from './kubectl.ts';
import { namespaceName } from './namespace.ts';

export const NAMESPACE = namespaceName('w-edge');
export const TOKEN = 'alice-0123456789abcdef';
export const inNamespace = (...args: string[]) => kubectl(['-n', NAMESPACE, ...args]);
export const apply = (...objects: object[]) =>
  kubectl(['apply', '-f', '-'], {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
  });
const prefixed = (annotations: Record<string, string>) =>
  Object.fromEntries(
    Object.entries({ inject: 'true', ...annotations }).map(([key, value]) => [
      `kubectl-mcp.dev/${key}`,
      value,
    ]),
  );

export const workload = (name: string, annotations: Record<string, string>, spec: object): object[] => [
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: NAMESPACE },
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name }, annotations: prefixed(annotations) },
        spec: { terminationGracePeriodSeconds: 5, ...spec },
      },
    },
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: NAMESPACE },
    spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 7410 }] },
  },
];

export const everything = {
  containers: [
    {
      name: 'everything',
      image: imageName('everything'),
      imagePullPolicy: 'Never',
      ports: [{ containerPort: 3001 }],
    },
  ],
};
/** Its tokens and headers are written by another container a moment after the start, as a Vault agent does. */
export const filled = {
  containers: [
    {
      name: 'server',
      image: imageName('everything'),
      imagePullPolicy: 'Never',
      command: ['/usr/bin/node', '-e', headerServerScript()],
      ports: [{ containerPort: 3001 }],
    },
    {
      name: 'agent',
      image: PAUSE_IMAGE,
      command: [
        '/bin/busybox',
        'sh',
        '-c',
        `busybox() { /bin/busybox "$@"; }; busybox sleep 3; busybox mkdir -p /secrets/mcp /upstream/headers;
         busybox printf %s ${TOKEN} > /secrets/mcp/alice; busybox printf %s key-1 > /upstream/headers/x-api-key;
         busybox sleep 3600`,
      ],
      volumeMounts: [
        { name: 'callers', mountPath: '/secrets' },
        { name: 'upstream', mountPath: '/upstream' },
      ],
    },
  ],
  volumes: [
    { name: 'callers', emptyDir: { medium: 'Memory' } },
    { name: 'upstream', emptyDir: {} },
  ],
};

export const tlsSecret = (issued: Issued): object => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'secured-tls', namespace: NAMESPACE },
  type: 'kubernetes.io/tls',
  stringData: issued,
});
export const policy = (denied: string): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'secured-policy', namespace: NAMESPACE },
  data: { 'policy.yaml': `version: 1\ntools:\n  deny: ["${denied}"]\n` },
});
