/**
 * What `disable` changes: `enable` backwards. Pure.
 *
 * The server's port is opened first, then the Services go back to it, which every pod still answers; only then does
 * the template roll out, so that no Service ever reaches a pod whose sidecar is gone. Secrets go last: pods of the old
 * template mount them. A server on the loopback comes back from there before all that.
 */
import type { V1NetworkPolicy, V1Secret } from '@kubernetes/client-node';
import {
  egressPolicyName,
  keysSecretName,
  networkPolicyName,
  tokensSecretName,
} from '../../webhook/names.ts';
import type { Change, Plan } from './change.ts';
import { isOwned } from './owned.ts';
import { heldUp } from './faults.ts';
import { openingOf } from './lockdown.ts';
import type { Surroundings } from './plan.ts';
import { restoredService } from './services.ts';
import { strangersBehind } from './strangers.ts';
import { disabledTemplate } from './template.ts';
import { annotationOf, isOptedIn, listenPorts, serviceSelects, type Workload } from './workload.ts';

export function planDisable(workload: Workload, around: Surroundings): Plan {
  const name = annotationOf(workload.spec.template, 'name') ?? workload.metadata.name;
  const ports = listenPorts(workload.spec.template);
  const restored = around.services
    .filter((each) => serviceSelects(each.spec?.selector, workload.spec.template.metadata?.labels))
    .map((each) => restoredService(each, ports));
  const services = restored.flatMap((each) => each.change ?? []);
  const opens = services.length > 0 ? openingOf(workload) : undefined;
  const template = disabledTemplate((opens?.after ?? workload) as Workload);
  const secretNames = [keysSecretName(name), tokensSecretName(name)];
  return {
    ...(opens && { opens }),
    before: [
      ...deletions(around.policies, [networkPolicyName(name), egressPolicyName(name)], name, {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
      }),
      ...services,
    ],
    ...(template && { template }),
    after: deletions(around.secrets, secretNames, name, { apiVersion: 'v1', kind: 'Secret' }),
    faults: heldUp(workload),
    warnings: restored.flatMap((each) => each.warnings),
    refusals: strangersBehind(services, workload, around.pods, (pod) => isOptedIn(pod)).map(
      ({ service, pods }) =>
        `${service} also reaches enabled pods (${pods}): their callers would no longer be checked.\n` +
        'Disable the others too, and give --force',
    ),
  };
}

const deletions = (
  objects: readonly (V1NetworkPolicy | V1Secret)[],
  names: readonly string[],
  instance: string,
  identity: { apiVersion: string; kind: string },
): Change[] =>
  objects
    .filter((each) => names.includes(each.metadata?.name ?? '') && isOwned(each, instance))
    .map((each) => ({ before: { ...each, ...identity }, done: 'deleted', details: [] }));
