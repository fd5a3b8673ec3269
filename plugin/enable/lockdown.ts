/** What closes the servers' own ports, in an order that loses no call. Pure. */
import type { V1NetworkPolicy } from '@kubernetes/client-node';
import { isDeepStrictEqual } from 'node:util';
import { ANNOTATIONS } from '../../webhook/annotations.ts';
import { networkPolicyName, PREFIX } from '../../webhook/names.ts';
import type { Change } from './change.ts';
import { isOwned } from './owned.ts';
import { admittedBy, networkPolicyFor, type PolicyInput } from './policy.ts';
import { isTcp, reachedPort } from './services.ts';
import { enabledTemplate, templateChange, type WantedAnnotations } from './template.ts';
import { annotationOf, declaredPorts, isOptedIn, objectName, type Workload } from './workload.ts';

export type Lockdown = 'network-policy' | 'loopback' | 'none';

/** Also of one of several servers: `kubectl-mcp.dev/SERVER.loopback-env`. */
const isOfLockdown = (key: string): boolean =>
  key.startsWith(PREFIX) &&
  /^([^.]+\.)?(lockdown|loopback-env|loopback-args)$/.test(key.slice(PREFIX.length));

type Annotations = Record<string, string>;
const annotationsOf = ({ spec }: Workload): Annotations => spec.template.metadata?.annotations ?? {};
const withoutLockdown = (annotations: Annotations): Annotations =>
  Object.fromEntries(Object.entries(annotations).filter(([key]) => !isOfLockdown(key)));

export const lockdownOf = (workload: Workload): Lockdown =>
  (annotationOf(workload.spec.template, 'lockdown') ?? ANNOTATIONS.lockdown.default) as Lockdown;

export const isOnLoopback = (workload: Workload): boolean =>
  isOptedIn(workload.spec.template) && lockdownOf(workload) === 'loopback';

export interface Rollouts {
  readonly template?: Change;
  readonly closes?: Change;
}

/**
 * A server that goes to the loopback while Services lead to it would lose their calls: then the proxy comes first, and
 * the loopback in a rollout of its own, when the Services lead to the proxy.
 */
export function rolloutsOf(
  workload: Workload,
  wanted: WantedAnnotations,
  servicesReachServer: boolean,
): Rollouts {
  const template = enabledTemplate(workload, wanted);
  const whole = (template?.after ?? workload) as Workload;
  if (!servicesReachServer || lockdownOf(whole) !== 'loopback' || isOnLoopback(workload)) {
    return template ? { template } : {};
  }
  const old = annotationsOf(workload);
  const open = withoutLockdown(annotationsOf(whole));
  const proxied = templateChange(workload, old, open, 'enabled');
  const last = (proxied?.after ?? workload) as Workload;
  const closes = templateChange(last, open, annotationsOf(whole), 'locked down');
  return { ...(proxied && { template: proxied }), ...(closes && { closes }) };
}

/** Before Services go back to a server on the loopback: it has to answer there first. */
export const openingOf = (workload: Workload): Change | undefined =>
  isOnLoopback(workload)
    ? templateChange(workload, annotationsOf(workload), withoutLockdown(annotationsOf(workload)), 'opened')
    : undefined;

/** The policy is there with this lockdown, and is not with the others. */
export function policyChanges(
  lockdown: Lockdown,
  input: PolicyInput,
  all: readonly V1NetworkPolicy[],
): Change[] {
  const policy = networkPolicyFor(input);
  const old = all.find((each) => each.metadata?.name === networkPolicyName(input.name));
  const identity = { apiVersion: policy.apiVersion!, kind: policy.kind! };
  if (lockdown !== 'network-policy') {
    return old && isOwned(old, input.name)
      ? [{ before: { ...old, ...identity }, done: 'deleted', details: [] }]
      : [];
  }
  const admitted = policy.spec!.ingress![0]!.ports!.map((each) => `${each.protocol}/${each.port}`).join(', ');
  const details = [`admits ${admitted}`];
  if (!old) return [{ after: policy, done: 'created', details }];
  if (isDeepStrictEqual(old.spec, policy.spec)) return [];
  const after = { ...old, ...identity, spec: policy.spec! };
  return [{ before: { ...old, ...identity }, after, done: 'configured', details }];
}

/** Why the lockdown would not close the port, or would close it to those who need it. */
export const lockdownRefusals = (lockdown: Lockdown, input: PolicyInput): string[] =>
  lockdown === 'network-policy' ? admittedBy(input) : [];

export const lockdownWarnings = (lockdown: Lockdown, serverPorts: readonly number[]): string[] =>
  lockdown === 'none' && serverPorts.length > 0
    ? [`port ${serverPorts.join(' and ')} stays open: who calls it is not checked`]
    : [];

/** Services that are kept would lead to a port that answers nobody. */
export function keptServices({ workload, services, serverPorts }: PolicyInput): string[] {
  const declared = declaredPorts(workload.spec.template);
  return services
    .filter((service) =>
      (service.spec?.ports ?? []).some(
        (port) => isTcp(port) && serverPorts.includes(reachedPort(port, declared) ?? 0),
      ),
    )
    .map(
      (each) =>
        `${objectName(each)} leads to the server's own port, which would answer nobody with --lockdown loopback.\n` +
        'Leave --keep-service out, or change the Service first',
    );
}
