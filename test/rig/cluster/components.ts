/** The daemons of the node, in the order in which they start: command and where each says that it is well. */
import { join } from 'node:path';
import { pathOf } from '../go-program.ts';
import { certificateOf, keyOf, kubeconfigOf } from './certificates.ts';
import { NET, NODE_NAME } from './layout.ts';
import type { Layout } from './layout.ts';

export type Component = {
  name: string;
  command: readonly string[];
  /** An address that answers 200, or the socket that accepts. */
  health: string;
};

const flags = (values: Readonly<Record<string, string | number | boolean>>): string[] =>
  Object.entries(values).map(([name, value]) => `--${name}=${value}`);

export function components(layout: Layout): Component[] {
  const own = (program: string): string => join(layout.bin, program);
  const etcd = `http://127.0.0.1:${NET.etcdPort}`;
  return [
    {
      name: 'containerd',
      command: ['containerd', '--config', join(layout.config, 'containerd.toml')],
      health: `unix:${layout.containerdSocket}`,
    },
    { name: 'etcd', command: ['etcd', ...flags(etcdFlags(layout, etcd))], health: `${etcd}/health` },
    {
      name: 'kube-apiserver',
      command: [own('kube-apiserver'), ...flags(apiserverFlags(layout, etcd))],
      health: `https://${NET.nodeAddress}:${NET.apiPort}/readyz`,
    },
    {
      name: 'kube-controller-manager',
      command: [own('kube-controller-manager'), ...flags(controllerManagerFlags(layout))],
      health: 'https://127.0.0.1:10257/healthz',
    },
    {
      name: 'kube-scheduler',
      command: [own('kube-scheduler'), ...flags(withKubeconfig(layout, 'scheduler'))],
      health: 'https://127.0.0.1:10259/healthz',
    },
    {
      name: 'kubelet',
      command: [own('kubelet'), ...flags(kubeletFlags(layout))],
      health: 'http://127.0.0.1:10248/healthz',
    },
    {
      name: 'kube-proxy',
      command: [own('kube-proxy'), `--config=${join(layout.config, 'kube-proxy.json')}`],
      health: 'http://127.0.0.1:10256/healthz',
    },
    {
      name: 'coredns',
      command: [pathOf('coredns'), '-conf', join(layout.config, 'Corefile')],
      health: `http://127.0.0.1:${NET.dnsReadyPort}/ready`,
    },
  ];
}

const etcdFlags = (layout: Layout, url: string) => ({
  'data-dir': layout.etcd,
  'listen-client-urls': url,
  'advertise-client-urls': url,
  'listen-peer-urls': `http://127.0.0.1:${NET.etcdPeerPort}`,
  'initial-advertise-peer-urls': `http://127.0.0.1:${NET.etcdPeerPort}`,
  'initial-cluster': `default=http://127.0.0.1:${NET.etcdPeerPort}`,
  // The cluster is thrown away; a slow disk should not be what tests measure.
  'unsafe-no-fsync': true,
  'log-level': 'warn',
});

const apiserverFlags = (layout: Layout, etcd: string) => ({
  'advertise-address': NET.nodeAddress,
  'bind-address': NET.nodeAddress,
  'secure-port': NET.apiPort,
  'etcd-servers': etcd,
  'service-cluster-ip-range': NET.serviceCidr,
  'authorization-mode': 'Node,RBAC',
  'enable-admission-plugins': 'NodeRestriction',
  'tls-cert-file': certificateOf(layout, 'apiserver'),
  'tls-private-key-file': keyOf(layout, 'apiserver'),
  'client-ca-file': certificateOf(layout, 'ca'),
  'kubelet-certificate-authority': certificateOf(layout, 'ca'),
  'kubelet-client-certificate': certificateOf(layout, 'apiserver-kubelet-client'),
  'kubelet-client-key': keyOf(layout, 'apiserver-kubelet-client'),
  'kubelet-preferred-address-types': 'InternalIP',
  'service-account-issuer': 'https://kubernetes.default.svc.cluster.local',
  'service-account-signing-key-file': keyOf(layout, 'service-accounts'),
  'service-account-key-file': keyOf(layout, 'service-accounts'),
});

const withKubeconfig = (layout: Layout, part: string) => ({
  kubeconfig: kubeconfigOf(layout, part),
  'authentication-kubeconfig': kubeconfigOf(layout, part),
  'authorization-kubeconfig': kubeconfigOf(layout, part),
  'bind-address': '127.0.0.1',
  'leader-elect': false,
});

const controllerManagerFlags = (layout: Layout) => ({
  ...withKubeconfig(layout, 'controller-manager'),
  'use-service-account-credentials': true,
  'service-account-private-key-file': keyOf(layout, 'service-accounts'),
  'root-ca-file': certificateOf(layout, 'ca'),
  'cluster-signing-cert-file': certificateOf(layout, 'ca'),
  'cluster-signing-key-file': keyOf(layout, 'ca'),
});

const kubeletFlags = (layout: Layout) => ({
  config: join(layout.config, 'kubelet.json'),
  kubeconfig: kubeconfigOf(layout, 'kubelet'),
  'hostname-override': NODE_NAME,
  'node-ip': NET.nodeAddress,
  'root-dir': layout.kubelet,
});
