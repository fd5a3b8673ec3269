/** What the pods may reach, as a NetworkPolicy. Pure. */
import { isIP, isIPv6 } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import type { V1NetworkPolicy, V1NetworkPolicyEgressRule } from '@kubernetes/client-node';
import { egressPolicyName } from '../../webhook/names.ts';
import { usageError } from '../errors.ts';
import type { Change } from './change.ts';
import { isOwned, ownedMetadata } from './owned.ts';
import { selectorMatches, type Workload } from './workload.ts';

export type Destination =
  | { readonly cidr: string; readonly port: number }
  | { readonly service: string; readonly namespace: string; readonly port: number };

/** `any`, or all that may be reached. */
export type Egress = 'any' | readonly Destination[];

const SERVICE = /^([a-z0-9][-a-z0-9]*)\.([a-z0-9][-a-z0-9]*)\.svc(\.[-.a-z0-9]+)?$/;

/** @throws {CliError} for what a NetworkPolicy cannot express, with what can. */
export function parseEgress(text: string): Egress {
  if (text === 'any') return 'any';
  if (text === 'none') return [];
  return text.split(',').map((each) => destinationOf(each.trim()));
}

function destinationOf(text: string): Destination {
  const [, bracketed, plain = '', digits] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  const host = bracketed ?? plain;
  if (host === '' || !(port >= 1 && port <= 65_535)) {
    throw usageError(
      `invalid argument "${text}" for "--egress" flag: expected none, any or a comma list of ADDRESS:PORT, CIDR:PORT and SERVICE.NAMESPACE.svc:PORT; IPv6 in brackets`,
    );
  }
  const [address = '', length] = host.split('/');
  if (isIP(address) > 0) {
    const most = isIPv6(address) ? 128 : 32;
    if (length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= most)) {
      return { cidr: `${address}/${length ?? most}`, port };
    }
  }
  const [, service, namespace] = SERVICE.exec(host) ?? [];
  if (service !== undefined && namespace !== undefined) return { service, namespace, port };
  throw usageError(
    `--egress ${text}: a NetworkPolicy knows addresses and pods, no names of hosts, whose addresses change. ` +
      'Give the addresses (203.0.113.0/24:443) or a Service of the cluster (NAME.NAMESPACE.svc:PORT); ' +
      "or close all with none and admit the name with your network plug-in's own policy (Cilium: toFQDNs)",
  );
}

/** A destination as a policy has it, and as a person reads it. */
export interface Admitted {
  readonly rule: V1NetworkPolicyEgressRule;
  readonly text: string;
}

export const admittedBlock = (blocks: readonly string[], ports: readonly number[]): Admitted => ({
  rule: {
    to: blocks.map((cidr) => ({ ipBlock: { cidr } })),
    ports: ports.map((port) => ({ protocol: 'TCP', port })),
  },
  text: blocks.map((cidr) => `${cidr}:${ports.join('/')}`).join(' '),
});

/** Names are asked of the cluster's own DNS, wherever else the pods may go. */
export const DNS: Admitted = {
  rule: {
    to: [
      {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
        podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
      },
    ],
    ports: [
      { protocol: 'UDP', port: 53 },
      { protocol: 'TCP', port: 53 },
    ],
  },
  text: 'DNS of kube-system',
};

/** @param wish undefined: what is there stays. */
export function egressChanges(
  workload: Workload,
  name: string,
  { wish, policies }: { wish: readonly Admitted[] | 'any' | undefined; policies: readonly V1NetworkPolicy[] },
): Change[] {
  const old = policies.find((each) => each.metadata?.name === egressPolicyName(name));
  const identity = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' };
  const before = old && { ...old, ...identity };
  if (wish === undefined) return [];
  if (wish === 'any') {
    return before && isOwned(before, name) ? [{ before, done: 'deleted', details: [] }] : [];
  }
  const spec = {
    podSelector: workload.spec.selector,
    policyTypes: ['Egress'],
    egress: wish.map(({ rule }) => rule),
  };
  const details = wish.length > 0 ? wish.map(({ text }) => `admits ${text}`) : ['admits nothing'];
  if (!before) {
    const metadata = ownedMetadata(egressPolicyName(name), workload.metadata.namespace, name);
    return [{ after: { ...identity, metadata, spec } as V1NetworkPolicy, done: 'created', details }];
  }
  if (isDeepStrictEqual(before.spec, spec)) return [];
  return [{ before, after: { ...before, spec } as V1NetworkPolicy, done: 'configured', details }];
}

/** Policies add up: what others let out goes out. */
export const otherEgress = (
  policies: readonly V1NetworkPolicy[],
  workload: Workload,
  name: string,
): string[] =>
  policies
    .filter(
      ({ metadata, spec }) =>
        metadata?.name !== egressPolicyName(name) &&
        spec?.policyTypes?.includes('Egress') &&
        (spec.egress ?? []).length > 0 &&
        selectorMatches(spec.podSelector, workload.spec.template.metadata?.labels),
    )
    .map(
      ({ metadata }) =>
        `networkpolicy.networking.k8s.io/${metadata?.name} is for what the pods may reach, too: what it admits adds up`,
    );
