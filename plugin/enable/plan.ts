/**
 * What `enable` changes, in the order that loses no request. Pure.
 *
 * A Service has one targetPort for all of its pods, and a NetworkPolicy selects old pods and new ones alike. So the
 * Secrets come first (pods mount them), then the template; while it rolls out, Services reach the server's own port,
 * which every pod answers. Only when all pods have a ready sidecar are the Services repointed, and only when no
 * Service needs the server's port is it closed.
 */
import type { KubernetesObject, V1NetworkPolicy, V1Pod, V1Secret, V1Service } from '@kubernetes/client-node';
import { isDeepStrictEqual } from 'node:util';
import { egressPolicyName, networkPolicyName, PREFIX } from '../../webhook/names.ts';
import { portsOf, type Server } from '../../webhook/target.ts';
import { needsApiServer } from '../../webhook/volumes.ts';
import { accessRoleChanges } from './access-roles.ts';
import type { Change, Plan } from './change.ts';
import { type Admitted, egressChanges, otherEgress } from './egress.ts';
import { isOwned } from './owned.ts';
import {
  keptServices,
  type Lockdown,
  lockdownOf,
  lockdownRefusals,
  lockdownWarnings,
  policyChanges,
  rolloutsOf,
} from './lockdown.ts';
import { policiesSelecting, type PolicyInput } from './policy.ts';
import { faultsOf, warningsOf } from './faults.ts';
import { type Random, secretChanges } from './secrets.ts';
import { reachedPort, repointedService, unreachedStdio } from './services.ts';
import { strangersBehind } from './strangers.ts';
import { enabledTemplate, type WantedAnnotations } from './template.ts';
import {
  annotationOf,
  type DeclaredPort,
  declaredPorts,
  isOptedIn,
  listenPorts,
  objectName,
  ownPort,
  serversIn,
  serviceSelects,
  type Workload,
} from './workload.ts';

/** What of the namespace the plans look at. */
export interface Surroundings {
  readonly services: readonly V1Service[];
  readonly pods: readonly V1Pod[];
  readonly policies: readonly V1NetworkPolicy[];
  /** Those of the two names that `enable` gives. */
  readonly secrets: readonly V1Secret[];
  /** Of the name that `enable` gives, read where they may be there. */
  readonly accessRoles?: readonly KubernetesObject[];
}

export interface EnableRequest {
  readonly annotations: WantedAnnotations;
  /** Leaves Services alone, and so the servers' ports open. */
  readonly keepService: boolean;
  /** What the pods may reach; absent: that stays as it is. */
  readonly egress?: readonly Admitted[] | 'any';
  readonly random: Random;
}

export function planEnable(workload: Workload, around: Surroundings, request: EnableRequest): Plan {
  const template = enabledTemplate(workload, request.annotations);
  const wanted = (template?.after ?? workload) as Workload;
  const name = annotationOf(wanted.spec.template, 'name')!;
  const servers = serversIn(wanted.spec.template);
  const access = accessRoleChanges(wanted, name, around.accessRoles ?? []);
  const plan: Plan = {
    before: [...secretChanges(wanted, name, around.secrets, request.random), ...access.before],
    ...(template && { template }),
    after: access.after,
    warnings: [...changedScheme(workload, wanted), ...(template ? warningsOf(wanted) : [])],
    refusals: [],
    faults: [
      ...faultsOf(wanted),
      ...foreignPolicy(name, around),
      ...access.faults,
      ...movedListenPort(workload, wanted),
    ],
  };
  if (servers.length === 0 || plan.faults.length > 0) return plan;
  const services = around.services.filter((each) =>
    serviceSelects(each.spec?.selector, workload.spec.template.metadata?.labels),
  );
  const input: PolicyInput = {
    workload,
    name,
    serverPorts: portsOf(servers),
    listenPorts: servers.map((each) => each.request['listen-port']),
    adminPort: ownPort(wanted.spec.template, 'admin-port'),
    services,
    others: policiesSelecting(around.policies, workload, name),
  };
  const behind = request.keepService
    ? withServicesKept(plan, lockdownOf(wanted), input)
    : withServices(plan, { input, around, request, servers, lockdown: lockdownOf(wanted) });
  const { policies } = around;
  const isLimited = request.egress !== undefined && request.egress !== 'any';
  return {
    ...behind,
    after: [...behind.after, ...egressChanges(workload, name, { wish: request.egress, policies })],
    warnings: [...behind.warnings, ...(isLimited ? otherEgress(policies, workload, name) : [])],
  };
}

/** The keys of service accounts' tokens are the API server's, and so is the word on who may call what. */
export const asksApiServer = (workload: Workload, annotations: WantedAnnotations): boolean => {
  const wanted = (enabledTemplate(workload, annotations)?.after ?? workload) as Workload;
  return serversIn(wanted.spec.template).some(({ request }) => needsApiServer(request));
};

function withServicesKept(plan: Plan, lockdown: Lockdown, input: PolicyInput): Plan {
  if (lockdown === 'loopback') {
    return { ...plan, dials: plan.template !== undefined, refusals: keptServices(input) };
  }
  if (input.serverPorts.length === 0) return plan;
  const note = `Services are left as they are: who calls port ${input.serverPorts.join(' and ')} is not checked`;
  return { ...plan, warnings: [...plan.warnings, note] };
}

type Behind = {
  input: PolicyInput;
  around: Surroundings;
  request: EnableRequest;
  servers: readonly Server[];
  lockdown: Lockdown;
};

function withServices(plan: Plan, { input, around, request, servers, lockdown }: Behind): Plan {
  const { workload, services, serverPorts, listenPorts: proxyPorts } = input;
  const declared = declaredPorts(workload.spec.template);
  // Of two servers behind one port, told apart by their paths, the first is the Service's.
  const routes = new Map(
    servers
      .flatMap(({ request: each, target }) =>
        target.port === undefined ? [] : [[target.port, each['listen-port']] as const],
      )
      .toReversed(),
  );
  const repointed = services.flatMap(
    (each) => repointedService(each, { declared, listenPorts: routes }) ?? [],
  );
  const { template: whole, ...rest } = plan;
  const { template, closes } = rolloutsOf(workload, request.annotations, repointed.length > 0);
  return {
    ...rest,
    ...(template && { template }),
    after: [...plan.after, ...repointed, ...policyChanges(lockdown, input, around.policies)],
    ...(closes && { closes }),
    dials: lockdown === 'loopback' && (whole !== undefined || repointed.length > 0),
    warnings: [
      ...plan.warnings,
      ...unreached(services, declared, routes),
      ...unreachedStdio(services, workload, servers),
      ...headless(repointed, routes),
      ...lockdownWarnings(lockdown, serverPorts),
    ],
    refusals: [
      ...lockdownRefusals(lockdown, input),
      ...strangersBehind(repointed, workload, around.pods, (pod) => !servesSidecar(pod, proxyPorts)).map(
        ({ service, pods }) =>
          `${service} also selects pods without a proxy (${pods}): calls to them would fail.\n` +
          'Enable the others with --keep-service first, or give --force',
      ),
    ],
  };
}

/** A policy of our name that someone else made is neither overwritten nor, later, deleted. */
const foreignPolicy = (name: string, around: Surroundings): string[] =>
  around.policies
    .filter(
      (each) =>
        [networkPolicyName(name), egressPolicyName(name)].includes(each.metadata?.name ?? '') &&
        !isOwned(each, name),
    )
    .map(
      (each) =>
        `networkpolicy.networking.k8s.io/${each.metadata!.name} is not ours: it lacks the label app.kubernetes.io/managed-by: kubectl-mcp`,
    );

/** While a rollout changes the port that Services reach, half of the pods would not answer there. */
const movedListenPort = (workload: Workload, wanted: Workload): string[] =>
  isOptedIn(workload.spec.template) &&
  !listenPorts(workload.spec.template).every((port) => listenPorts(wanted.spec.template).includes(port))
    ? [`${objectName(workload)}: ${PREFIX}listen-port cannot change while it is enabled; disable it first`]
    : [];

const scheme = ({ spec }: Workload): string =>
  annotationOf(spec.template, 'tls-secret') === undefined ? 'http' : 'https';

/** What callers must know: a Service leads to old pods and new ones alike. */
function changedScheme(workload: Workload, wanted: Workload): string[] {
  const [old, next] = [scheme(workload), scheme(wanted)];
  return isOptedIn(workload.spec.template) && old !== next
    ? [`callers must change from ${old}:// to ${next}://; while the pods are replaced, some answer to either`]
    : [];
}

type Routes = ReadonlyMap<number, number>;

const unreached = (
  services: readonly V1Service[],
  declared: readonly DeclaredPort[],
  routes: Routes,
): string[] =>
  [...routes].flatMap(([serverPort, listenPort]) => {
    const isReached = services.some((service) =>
      (service.spec?.ports ?? []).some((port) =>
        [serverPort, listenPort].includes(reachedPort(port, declared) ?? 0),
      ),
    );
    return isReached
      ? []
      : [
          `no Service reaches port ${serverPort}: there is nothing to repoint; the proxy listens on ${listenPort}`,
        ];
  });

const headless = (changes: readonly Change[], routes: Routes): string[] =>
  changes
    .filter((each) => (each.before as V1Service).spec?.clusterIP === 'None')
    .map(
      (each) =>
        `${objectName(each.before!)} is headless: clients that resolve it connect to the pods' port ${[...routes.keys()].join(' and ')} themselves; tell them port ${[...routes.values()].join(' and ')}`,
    );

const servesSidecar = (pod: V1Pod, ports: readonly number[]): boolean =>
  isOptedIn(pod) && isDeepStrictEqual(listenPorts(pod), ports);
