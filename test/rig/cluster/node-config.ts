/** Configuration files of the kubelet and of kube-proxy. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CGROUP_ROOT } from './cgroups.ts';
import { certificateOf, keyOf, kubeconfigOf } from './certificates.ts';
import { NET, NODE_NAME } from './layout.ts';
import type { Layout } from './layout.ts';

export async function writeNodeConfig(layout: Layout): Promise<void> {
  await mkdir(layout.config, { recursive: true });
  const write = (name: string, document: object): Promise<void> =>
    writeFile(join(layout.config, `${name}.json`), `${JSON.stringify(document, null, 2)}\n`);
  await write('kubelet', kubeletConfig(layout));
  await write('kube-proxy', proxyConfig(layout));
}

const kubeletConfig = (layout: Layout) => ({
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  address: NET.nodeAddress,
  healthzBindAddress: '127.0.0.1',
  authentication: {
    anonymous: { enabled: false },
    webhook: { enabled: true },
    x509: { clientCAFile: certificateOf(layout, 'ca') },
  },
  authorization: { mode: 'Webhook' },
  tlsCertFile: certificateOf(layout, 'kubelet'),
  tlsPrivateKeyFile: keyOf(layout, 'kubelet'),
  cgroupDriver: 'cgroupfs',
  cgroupRoot: CGROUP_ROOT,
  failCgroupV1: false,
  failSwapOn: false,
  containerRuntimeEndpoint: `unix://${layout.containerdSocket}`,
  podLogsDir: layout.podLogs,
  volumePluginDir: join(layout.kubelet, 'volume-plugins'),
  clusterDomain: NET.clusterDomain,
  clusterDNS: [NET.dnsService],
  maxPods: 250,
  oomScoreAdj: 0,
  registerNode: true,
  // A full disk or a busy machine must not evict the pods under test, nor collect images that no registry has.
  imageGCHighThresholdPercent: 100,
  imageGCLowThresholdPercent: 99,
  evictionHard: {
    'memory.available': '50Mi',
    'nodefs.available': '1%',
    'nodefs.inodesFree': '1%',
    'imagefs.available': '1%',
    'imagefs.inodesFree': '1%',
  },
});

const proxyConfig = (layout: Layout) => ({
  apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
  kind: 'KubeProxyConfiguration',
  mode: 'iptables',
  bindAddress: NET.nodeAddress,
  hostnameOverride: NODE_NAME,
  healthzBindAddress: '127.0.0.1:10256',
  metricsBindAddress: '127.0.0.1:10249',
  clusterCIDR: NET.podCidr,
  clientConnection: { kubeconfig: kubeconfigOf(layout, 'kube-proxy') },
  iptables: { localhostNodePorts: false, minSyncPeriod: '100ms', syncPeriod: '30s' },
  oomScoreAdj: 0,
  // Zero leaves the kernel's own: these files are read-only on many small machines.
  conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
});
