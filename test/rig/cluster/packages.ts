/** What the node is made of, besides Kubernetes. Debian's services of them may run or not: we start our own. */
import type { Packages } from '../../../manifests/packages.ts';

export const NODE_PACKAGES: Packages = {
  'busybox-static': '/usr/share/doc/busybox-static/copyright',
  conntrack: '/usr/sbin/conntrack',
  containerd: '/usr/bin/containerd',
  'containernetworking-plugins': '/usr/lib/cni/bridge',
  'etcd-server': '/usr/bin/etcd',
  iproute2: '/sbin/ip',
  iptables: '/usr/sbin/iptables',
  openssl: '/usr/bin/openssl',
  runc: '/usr/sbin/runc',
};
