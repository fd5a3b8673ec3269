import { isIPv4, isIPv6 } from 'node:net';
import type { ServerConfig } from '../config.ts';

/** Where the sidecar runs, as far as names of Services follow from it. */
export interface HostFacts {
  readonly namespace: string;
  /** From the search list of /etc/resolv.conf. */
  readonly clusterDomain: string;
}

/** Host without its port, in lower case: a name, IPv4, or IPv6 in brackets; one dot at the end is the root's. */
const HOST =
  /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?(?:\.[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?)*)\.?(?::\d{1,5})?$/i;
const MAX_HOST_CHARS = 255 + 8;
/** Could be a top-level domain: those hold letters alone, or begin with `xn--`; `default` is none, and everywhere. */
const LIKE_TOP_LEVEL_DOMAIN = /^(?!default$)([a-z]{2,63}|xn--[a-z0-9-]+)$/;

/** Undefined for what is no host, HTTP/1.0's absent one too. */
export function hostName(header: string | undefined): string | undefined {
  if (header === undefined || header.length > MAX_HOST_CHARS) return undefined;
  return HOST.exec(header)?.[1]?.toLowerCase();
}

export function isLoopbackHost(host: string): boolean {
  return (
    host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127\.[\d.]+$/.test(host)
  );
}

/**
 * Which hosts a request may name: a page of an attacker's whose name resolves to this pod, or to a port-forward, shows
 * that name here (DNS rebinding). IP addresses are therefore let through, as is what no public DNS server answers for.
 * @returns undefined when any host will do
 */
export function compileHosts(
  server: Pick<ServerConfig, 'name' | 'allowedHosts' | 'publicUrl'>,
  { namespace, clusterDomain }: HostFacts,
): ((host: string) => boolean) | undefined {
  if (server.allowedHosts.includes('*')) return undefined;
  const names = new Set(server.allowedHosts);
  if (server.publicUrl !== undefined) {
    const host = hostName(new URL(server.publicUrl).host);
    if (host !== undefined) names.add(host);
  }
  // Of the workload, and of the one of its servers that is asked.
  for (const name of server.name.split('/')) names.add(`${name}.${namespace}`);
  /** Of `*.`: one label in place of the star. */
  const parents = new Set(
    server.allowedHosts.flatMap((each) => (each.startsWith('*.') ? [each.slice(2)] : [])),
  );
  // In a namespace called like a top-level domain, LABEL.NAMESPACE is a name that anyone can register.
  if (!LIKE_TOP_LEVEL_DOMAIN.test(namespace)) parents.add(namespace);
  /** Names that only the cluster's DNS server answers for; pods of StatefulSets have two labels before them. */
  const domains = [
    `.${namespace}.svc`,
    `.${namespace}.svc.${clusterDomain}`,
    `.${namespace}.pod.${clusterDomain}`,
  ];

  return (host) => {
    const dot = host.indexOf('.');
    return (
      // One label is a Service of this namespace, or of a search list; no public name has one.
      (dot < 0 && host[0] !== '[') ||
      names.has(host) ||
      isIPv4(host) ||
      (host[0] === '[' && isIPv6(host.slice(1, -1))) ||
      host.endsWith('.localhost') ||
      domains.some((each) => host.endsWith(each)) ||
      parents.has(host.slice(dot + 1))
    );
  };
}

/** Domain of the cluster's Services, as the kubelet writes it into the pod's search list: `NAMESPACE.svc.DOMAIN`. */
export function clusterDomainOf(resolvConf: string): string {
  return /^search\b.*?[ \t]svc\.(\S+?)\.?(?:\s|$)/m.exec(resolvConf)?.[1]?.toLowerCase() ?? 'cluster.local';
}
