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
import { isStdio } from '../../webhook/request.ts';
import { deletedAccessRoles } from './access-roles.ts';
import type { Change, Plan } from './change.ts';
import { isOwned } from './owned.ts';
import { heldUp } from './faults.ts';
import { openingOf } from './lockdown.ts';
import type { Surroundings } from './plan.ts';
import { restoredService } from './services.ts';
import { strangersBehind } from './strangers.ts';
import { disabledTemplate } from './template.ts';
import {
  annotationOf,
  isOptedIn,
  listenPorts,
  serversIn,
  serviceSelects,
  type Workload,
} from './workload.ts';

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
    after: [
      ...deletions(around.secrets, secretNames, name, { apiVersion: 'v1', kind: 'Secret' }),
      ...deletedAccessRoles(name, around.accessRoles ?? []),
    ],
    faults: heldUp(workload),
    warnings: restored.flatMap((each) => each.warnings),
    refusals: [
      ...endingPods(workload),
      ...strangersBehind(services, workload, around.pods, (pod) => isOptedIn(pod)).map(
        ({ service, pods }) =>
          `${service} also reaches enabled pods (${pods}): their callers would no longer be checked.\n` +
          'Disable the others too, and give --force',
      ),
    ],
  };
}

/** A server of stdio whose standard input nobody holds open ends when it has started: a rollout would not. */
function endingPods({ kind, metadata, spec }: Workload): string[] {
  if (spec.replicas === 0) return [];
  const { template } = spec;
  const held = (name: string): boolean =>
    template.spec?.containers.find((each) => each.name === name)?.stdin === true;
  const ending = serversIn(template)
    .filter(({ request, target }) => isStdio(request) && !held(target.container))
    .map(({ target }) => target.container);
  if (ending.length === 0) return [];
  const workload = `${kind.toLowerCase()}/${metadata.name}`;
  return [
    `container ${ending.join(' and ')} of ${workload} speaks stdio: without the proxy nobody holds its standard input open, and its pods would end as they start.\n` +
      (kind === 'DaemonSet'
        ? 'Set stdin: true in the container first'
        : `Set stdin: true in the container first, or stop it: kubectl scale ${workload} -n ${metadata.namespace} --replicas 0`),
  ];
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
