/** Where the cluster keeps its things, and the names and addresses it takes on the machine. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Stay at or below 1.34: newer kubelets refuse cgroup v1 with Debian's containerd 1.6. */
export const KUBERNETES_VERSION = 'v1.34.4';
export const NODE_NAME = 'kubectl-mcp-node';
export const PAUSE_IMAGE = 'kubectl-mcp.dev/pause:1';

/** One for the machine, whose addresses and rules every cluster of this rig shares. */
export const LOCK_FILE = '/run/kubectl-mcp-cluster.lock';

/** In every daemon's environment, inherited by containerd's shims: how a later run finds what is ours. */
export const MARK_ENV = 'KUBECTL_MCP_CLUSTER';

export const NET = {
  /** A bridge without ports, for many kernels of small machines have no dummy links. */
  nodeBridge: 'kmcp-node',
  nodeAddress: '10.219.255.1',
  podBridge: 'kmcp-pods',
  podCidr: '10.219.0.0/22',
  serviceCidr: '10.220.0.0/16',
  kubernetesService: '10.220.0.1',
  /** In every pod's resolv.conf. */
  dnsService: '10.220.0.10',
  clusterDomain: 'cluster.local',
  apiPort: 6443,
  /** Not 53, which a resolver of the machine may have on all addresses. */
  dnsPort: 10053,
  dnsReadyPort: 18181,
  /** Not etcd's own: Debian's package may have started another. */
  etcdPort: 12379,
  etcdPeerPort: 12380,
} as const;

export type Layout = ReturnType<typeof layoutOf>;

/** `bin` survives `down`; everything under `state` goes with it. */
export function layoutOf(env: NodeJS.ProcessEnv) {
  const root = env['KUBECTL_MCP_CLUSTER_DIR'] || join(homedir(), '.cache', 'kubectl-mcp');
  const state = join(root, 'cluster');
  return {
    root,
    state,
    bin: join(root, `kubernetes-${KUBERNETES_VERSION}`),
    pki: join(state, 'pki'),
    config: join(state, 'config'),
    logs: join(state, 'log'),
    podLogs: join(state, 'pod-logs'),
    etcd: join(state, 'etcd'),
    kubelet: join(state, 'kubelet'),
    cni: join(state, 'cni'),
    containerdRoot: join(state, 'containerd'),
    containerdRun: join(state, 'run'),
    containerdSocket: join(state, 'run', 'containerd.sock'),
    kubeconfig: join(state, 'kubeconfig'),
    kubectl: join(root, `kubernetes-${KUBERNETES_VERSION}`, 'kubectl'),
  };
}
