/** The cluster's DNS: CoreDNS on the node, and the Service by which pods know it. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kubeconfigOf } from './certificates.ts';
import { NET } from './layout.ts';
import type { Layout } from './layout.ts';
import { run } from './run.ts';

const RESOLVERS = '/etc/resolv.conf';

export async function writeCorefile(layout: Layout): Promise<void> {
  await mkdir(layout.config, { recursive: true });
  const resolvers = await readFile(RESOLVERS, 'utf8').catch(() => '');
  await writeFile(join(layout.config, 'Corefile'), corefile(kubeconfigOf(layout, 'coredns'), resolvers));
}

/** Nothing is cached: a test that made a Service asks for it at once. */
export const corefile = (kubeconfig: string, resolvers: string): string => `.:${NET.dnsPort} {
  bind ${NET.nodeAddress}
  errors
  ready 127.0.0.1:${NET.dnsReadyPort}
  kubernetes ${NET.clusterDomain} in-addr.arpa {
    kubeconfig ${kubeconfig}
    fallthrough in-addr.arpa
  }
${/^\s*nameserver\s/m.test(resolvers) ? `  forward . ${RESOLVERS}\n` : ''}}
`;

/** The names that every cluster has, for its clients look for them. */
export async function serveDns(layout: Layout): Promise<void> {
  const items = [...RBAC, service, endpoints];
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  await run([layout.kubectl, '--kubeconfig', layout.kubeconfig, 'apply', '-f', '-'], list);
}

const rbac = (kind: string, more: object) => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind,
  metadata: { name: 'system:coredns' },
  ...more,
});
const look = (apiGroup: string, resources: readonly string[]) => ({
  apiGroups: [apiGroup],
  resources,
  verbs: ['list', 'watch'],
});
const RBAC = [
  rbac('ClusterRole', {
    rules: [
      look('', ['endpoints', 'services', 'pods', 'namespaces']),
      look('discovery.k8s.io', ['endpointslices']),
    ],
  }),
  rbac('ClusterRoleBinding', {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:coredns' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'system:coredns' }],
  }),
];

const named = (more: object = {}) => ({ name: 'kube-dns', namespace: 'kube-system', ...more });
const PROTOCOLS = [
  { name: 'dns', protocol: 'UDP' },
  { name: 'dns-tcp', protocol: 'TCP' },
];
/** Without a selector: no pod stands behind it. */
const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: named({ labels: { 'k8s-app': 'kube-dns' } }),
  spec: {
    clusterIP: NET.dnsService,
    ports: PROTOCOLS.map((each) => ({ ...each, port: 53, targetPort: NET.dnsPort })),
  },
};
const endpoints = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: named({ labels: { 'kubernetes.io/service-name': 'kube-dns' } }),
  addressType: 'IPv4',
  endpoints: [{ addresses: [NET.nodeAddress], conditions: { ready: true } }],
  ports: PROTOCOLS.map((each) => ({ ...each, port: NET.dnsPort })),
};
