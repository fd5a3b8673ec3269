/**
 * Stands in for a network plug-in that enforces NetworkPolicy: the policies of one namespace as iptables rules of the
 * node, for the pods that are there. Not a controller, and only what our policies say: anything else is an error.
 */
import type {
  V1NetworkPolicy,
  V1NetworkPolicyPeer,
  V1NetworkPolicyPort,
  V1Pod,
} from '@kubernetes/client-node';
import { selectorMatches } from '../../plugin/enable/workload.ts';

/** `cluster -- down` takes what has this prefix with it. */
const CHAIN = 'KUBE-MCP-TEST';

/**
 * The script for `iptables-restore --noflush`. Traffic of pods comes through FORWARD, what they send to the node itself
 * through INPUT; what the node sends to them (probes) is admitted always, and goes through neither.
 */
export function rulesOf(policies: readonly V1NetworkPolicy[], pods: readonly V1Pod[]): string {
  const rules: string[] = [];
  const jumps: string[] = [];
  for (const type of ['Ingress', 'Egress'] as const) {
    const chain = `${CHAIN}-${type.toUpperCase()}`;
    const ofType = policies.filter((each) => (each.spec?.policyTypes ?? ['Ingress']).includes(type));
    for (const pod of pods) {
      const own = ofType.filter((each) => selectorMatches(each.spec?.podSelector, pod.metadata?.labels));
      const ip = pod.status?.podIP;
      if (!ip || own.length === 0) continue;
      const side = type === 'Ingress' ? `-d ${ip}` : `-s ${ip}`;
      jumps.push(`-I FORWARD ${side} -j ${chain}`);
      if (type === 'Egress') jumps.push(`-I INPUT ${side} -j ${chain}`);
      rules.push(`-A ${chain} ${side} -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN`);
      for (const { spec } of own) {
        for (const { peers, ports } of admittedOf(spec!, type)) {
          const addresses = peers?.flatMap((peer) => addressesOf(peer, pods)) ?? [''];
          for (const address of addresses) {
            const other = address === '' ? '' : type === 'Ingress' ? `-s ${address}` : `-d ${address}`;
            for (const port of ports.map(portOf))
              rules.push(`-A ${chain} ${side} ${other} ${port} -j RETURN`.replaceAll(/ +/g, ' '));
          }
        }
      }
      rules.push(`-A ${chain} ${side} -j DROP`);
    }
  }
  const chains = [`:${CHAIN}-INGRESS - [0:0]`, `:${CHAIN}-EGRESS - [0:0]`];
  return ['*filter', ...chains, ...rules, ...jumps, 'COMMIT', ''].join('\n');
}

/** The script that takes them away again, from what `iptables-save` tells. */
export function removalOf(saved: string): string {
  const [, filter = ''] = saved.split(/^\*filter$/m);
  const jumps = filter
    .slice(0, filter.indexOf('COMMIT'))
    .split('\n')
    .filter((line) => line.startsWith('-A') && line.includes(`-j ${CHAIN}-`))
    .map((line) => line.replace(/^-A/, '-D'));
  const chains = ['INGRESS', 'EGRESS'].map((each) => `${CHAIN}-${each}`);
  const there = chains.filter((chain) => filter.includes(`:${chain} `));
  return [
    '*filter',
    ...jumps,
    ...there.map((each) => `-F ${each}`),
    ...there.map((each) => `-X ${each}`),
    'COMMIT',
    '',
  ].join('\n');
}

type Admitted = { peers: V1NetworkPolicyPeer[] | undefined; ports: (V1NetworkPolicyPort | undefined)[] };

const admittedOf = (spec: NonNullable<V1NetworkPolicy['spec']>, type: 'Ingress' | 'Egress'): Admitted[] =>
  type === 'Ingress'
    ? (spec.ingress ?? []).map((rule) => ({ peers: sourcesOf(rule), ports: rule.ports ?? [undefined] }))
    : (spec.egress ?? []).map(({ to, ports }) => ({ peers: to, ports: ports ?? [undefined] }));

/** As it comes over the wire; client-node calls it `_from`. */
const sourcesOf = (rule: object): V1NetworkPolicyPeer[] | undefined =>
  (rule as { from?: V1NetworkPolicyPeer[] }).from;

function portOf(port: V1NetworkPolicyPort | undefined): string {
  if (port?.port === undefined) return port?.protocol ? `-p ${port.protocol.toLowerCase()}` : '';
  if (typeof port.port !== 'number' || port.endPort !== undefined) throw unknown(port);
  return `-p ${(port.protocol ?? 'TCP').toLowerCase()} --dport ${port.port}`;
}

function addressesOf(peer: V1NetworkPolicyPeer, pods: readonly V1Pod[]): string[] {
  if (peer.ipBlock && !peer.ipBlock.except) return [peer.ipBlock.cidr];
  const namespace = peer.namespaceSelector?.matchLabels?.['kubernetes.io/metadata.name'];
  if (peer.ipBlock || namespace === undefined) throw unknown(peer);
  return pods
    .filter(
      (pod) =>
        pod.metadata?.namespace === namespace && selectorMatches(peer.podSelector, pod.metadata.labels),
    )
    .flatMap((pod) => pod.status?.podIP ?? []);
}

const unknown = (part: object): Error => new Error(`the stand-in does not know ${JSON.stringify(part)}`);
