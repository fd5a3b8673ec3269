/** Whether the API server will take the pods of a template once they have the proxy. Pure. */
import type { V1Pod } from '@kubernetes/client-node';
import { BIN_CONTAINER, SIDECAR_CONTAINER } from '../names.ts';
import type { InjectSettings } from '../settings.ts';
import { admitted } from './admitted.ts';
import { fittingResources, resourcesText } from './fit.ts';
import type { Foreseen, NamespaceRules } from './foreseen.ts';
import { limitRangeExcesses } from './limit-ranges.ts';
import type { Excess } from './limit-ranges.ts';
import { podSecurityViolation } from './pod-security.ts';
import { quotaExcesses } from './resource-quotas.ts';

/**
 * @param pod as its controller would ask for it, without the proxy: defaults come before injection.
 * @param pods how many are to come beside those that are there; quotas count them.
 * @returns everything against it; nothing where the webhook itself refuses the pod or leaves it alone.
 */
export function foresee(pod: V1Pod, rules: NamespaceRules, settings: InjectSettings, pods = 1): Foreseen[] {
  const injected = admitted(pod, rules.limitRanges ?? [], settings);
  if (!injected) return [];
  // It has the proxy's resources, and ends before it.
  const limits = limitRangeExcesses(injected, rules.limitRanges ?? []).filter(
    ({ container }) => container !== BIN_CONTAINER,
  );
  const quotas = quotaExcesses(injected, rules.quotas ?? [], Math.max(1, pods));
  const found = [
    ...limits.map((each) => ({ ...each, reason: 'LimitRangeExceeded' as const, lasting: true })),
    ...quotas.map((each) => ({ ...each, reason: 'QuotaExceeded' as const })),
  ];
  const fitting = found.some(isOurs) ? fittingResources(injected, rules, Math.max(1, pods)) : undefined;
  return [
    ...podSecurity(injected, rules),
    ...found.map(({ reason, object, message, lasting, container }) => ({
      reason,
      object,
      message,
      mend: mendOf(
        { object, message, ...(container !== undefined && { container }) },
        fitting && resourcesText(fitting),
      ),
      lasting,
    })),
  ];
}

/** Of the proxy, or of a sum in which it is. */
const isOurs = ({ container }: Excess): boolean => container === undefined || container === SIDECAR_CONTAINER;

function mendOf(excess: Excess, fitting: string | undefined): string {
  const { object, container } = excess;
  if (!isOurs(excess))
    return `change the resources of container ${container} in the pod template, or ${object}`;
  if (fitting !== undefined) {
    return `give the pod template an init container ${SIDECAR_CONTAINER} with resources that fit (${fitting}), or change ${object}`;
  }
  if (object.startsWith('resourcequota/')) return `raise ${object}, or make room in the namespace`;
  return container === undefined
    ? `change ${object}, or let the other containers ask for less`
    : `change ${object}`;
}

function podSecurity(injected: V1Pod, { name, labels = {} }: NamespaceRules): Foreseen[] {
  const violation = podSecurityViolation(injected, labels);
  if (!violation) return [];
  return [
    {
      reason: 'PodSecurityViolated',
      object: `namespace/${name}`,
      message: `namespace/${name} enforces Pod Security level ${violation.level}: ${violation.faults.join('; ')}`,
      mend: `change these fields in the pod template (the proxy satisfies "restricted"), or the level of namespace/${name}`,
      lasting: false,
    },
  ];
}
