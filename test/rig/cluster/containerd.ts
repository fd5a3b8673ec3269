/** The container runtime: Debian's program, our own root, state, socket and network configuration. */
import { statfsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NET, PAUSE_IMAGE } from './layout.ts';
import type { Layout } from './layout.ts';
import { run } from './run.ts';

const OVERLAYFS_MAGIC = 0x794c7630;

export const ctr = (layout: Layout): string[] => ['ctr', '-a', layout.containerdSocket, '-n', 'k8s.io'];

export async function writeContainerdConfig(layout: Layout): Promise<void> {
  await mkdir(join(layout.cni, 'net.d'), { recursive: true });
  await mkdir(layout.containerdRoot, { recursive: true });
  await writeFile(join(layout.config, 'containerd.toml'), containerdConfig(layout, snapshotter(layout)));
  await writeFile(join(layout.cni, 'net.d', '10-kubectl-mcp.conflist'), cniConfig(layout));
}

/** Brings an OCI archive to the node under the name that it carries. */
export async function importImage(layout: Layout, archive: string): Promise<string> {
  const said = await run([...ctr(layout), 'images', 'import', '--snapshotter', snapshotter(layout), archive]);
  return said.trim();
}

/** An overlay cannot lie on an overlay, as it would inside a container. */
const snapshotter = (layout: Layout): string =>
  statfsSync(layout.containerdRoot).type === OVERLAYFS_MAGIC ? 'native' : 'overlayfs';

const containerdConfig = (layout: Layout, kind: string): string => `version = 2
root = "${layout.containerdRoot}"
state = "${layout.containerdRun}"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]

[grpc]
  address = "${layout.containerdSocket}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  # Without CAP_SYS_RESOURCE no sandbox starts otherwise.
  restrict_oom_score_adj = true
  # Network namespaces are mounts: under our state, so that they are found and unmounted with the rest.
  netns_mounts_under_state_dir = true
  disable_tcp_service = true
  enable_selinux = false

[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "${kind}"
  default_runtime_name = "runc"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
    SystemdCgroup = false

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "${join(layout.cni, 'net.d')}"
`;

const cniConfig = (layout: Layout): string =>
  JSON.stringify({
    cniVersion: '0.4.0',
    name: 'kubectl-mcp',
    plugins: [
      {
        type: 'bridge',
        bridge: NET.podBridge,
        isGateway: true,
        // A pod that calls its own Service comes back through the port it left by.
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          dataDir: join(layout.cni, 'addresses'),
          ranges: [[{ subnet: NET.podCidr }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  });
