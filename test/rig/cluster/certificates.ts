/** One authority for the whole cluster, a certificate per part, and the kubeconfigs that carry them. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NET, NODE_NAME } from './layout.ts';
import type { Layout } from './layout.ts';
import { run } from './run.ts';

type Part = { subject: string; names?: string; kubeconfig?: boolean };

const API_NAMES = [
  'DNS:kubernetes',
  'DNS:kubernetes.default',
  'DNS:kubernetes.default.svc',
  'DNS:kubernetes.default.svc.cluster.local',
  'DNS:localhost',
  'IP:127.0.0.1',
  `IP:${NET.kubernetesService}`,
  `IP:${NET.nodeAddress}`,
].join(',');

/** Subjects are Kubernetes' own words for its parts: RBAC's bootstrap roles are bound to them. */
const PARTS: Readonly<Record<string, Part>> = {
  apiserver: { subject: '/CN=kube-apiserver', names: API_NAMES },
  'apiserver-kubelet-client': { subject: '/O=system:masters/CN=kube-apiserver-kubelet-client' },
  admin: { subject: '/O=system:masters/CN=kubernetes-admin', kubeconfig: true },
  'controller-manager': { subject: '/CN=system:kube-controller-manager', kubeconfig: true },
  scheduler: { subject: '/CN=system:kube-scheduler', kubeconfig: true },
  coredns: { subject: '/CN=system:coredns', kubeconfig: true },
  'kube-proxy': { subject: '/CN=system:kube-proxy', kubeconfig: true },
  kubelet: {
    subject: `/O=system:nodes/CN=system:node:${NODE_NAME}`,
    names: `DNS:${NODE_NAME},IP:${NET.nodeAddress}`,
    kubeconfig: true,
  },
};

export const certificateOf = (layout: Layout, part: string): string => join(layout.pki, `${part}.crt`);
export const keyOf = (layout: Layout, part: string): string => join(layout.pki, `${part}.key`);
export const kubeconfigOf = (layout: Layout, part: string): string =>
  part === 'admin' ? layout.kubeconfig : join(layout.config, `${part}.kubeconfig`);

export async function writeCertificates(layout: Layout): Promise<void> {
  await mkdir(layout.pki, { recursive: true, mode: 0o700 });
  // Debian's own file would add a second basicConstraints, which Go's parser refuses.
  await writeFile(join(layout.pki, 'openssl.cnf'), '[req]\ndistinguished_name = dn\n[dn]\n');
  const authority = ['-out', certificateOf(layout, 'ca'), '-subj', '/CN=kubectl-mcp-cluster'];
  await run([...openssl(layout, 'ca'), ...authority, ...addExtensions(CA_EXTENSIONS)]);
  await run(['openssl', 'genrsa', '-out', keyOf(layout, 'service-accounts'), '2048']);
  await Promise.all(Object.entries(PARTS).map(([name, part]) => writePart(layout, name, part)));
}

const CA_EXTENSIONS = [
  'basicConstraints=critical,CA:TRUE',
  'keyUsage=critical,keyCertSign,cRLSign',
  'subjectKeyIdentifier=hash',
];
const PART_EXTENSIONS = [
  'basicConstraints=critical,CA:FALSE',
  'keyUsage=critical,digitalSignature',
  'extendedKeyUsage=serverAuth,clientAuth',
];
const addExtensions = (lines: readonly string[]): string[] => lines.flatMap((line) => ['-addext', line]);

const NEW_KEY = 'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650'.split(' ');
const openssl = (layout: Layout, part: string): string[] => [
  ...NEW_KEY,
  '-config',
  join(layout.pki, 'openssl.cnf'),
  '-keyout',
  keyOf(layout, part),
];

async function writePart(layout: Layout, name: string, part: Part): Promise<void> {
  const signed = ['-CA', certificateOf(layout, 'ca'), '-CAkey', keyOf(layout, 'ca'), '-subj', part.subject];
  const names = part.names ? [`subjectAltName=${part.names}`] : [];
  const extensions = addExtensions([...PART_EXTENSIONS, ...names]);
  await run([...openssl(layout, name), '-out', certificateOf(layout, name), ...signed, ...extensions]);
  if (part.kubeconfig) await writeKubeconfig(layout, name);
}

const base64 = async (file: string): Promise<string> => (await readFile(file)).toString('base64');

async function writeKubeconfig(layout: Layout, part: string): Promise<void> {
  const document = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'kubectl-mcp',
    contexts: [{ name: 'kubectl-mcp', context: { cluster: 'kubectl-mcp', user: part } }],
    clusters: [
      {
        name: 'kubectl-mcp',
        cluster: {
          server: `https://${NET.nodeAddress}:${NET.apiPort}`,
          'certificate-authority-data': await base64(certificateOf(layout, 'ca')),
        },
      },
    ],
    users: [
      {
        name: part,
        user: {
          'client-certificate-data': await base64(certificateOf(layout, part)),
          'client-key-data': await base64(keyOf(layout, part)),
        },
      },
    ],
  };
  await mkdir(layout.config, { recursive: true });
  await writeFile(kubeconfigOf(layout, part), `${JSON.stringify(document, null, 2)}\n`, { mode: 0o600 });
}
