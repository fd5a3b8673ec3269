/**
 * What `enable` changes, in the order that loses no request. Pure.
 *
 * A Service has one targetPort for all of its pods, and a NetworkPolicy selects old pods and new ones alike. So the
 * Secrets come first (pods mount them), then the template; while it rolls out, Services reach the server's own port,
 * which every pod answers. Only when all pods have a ready sidecar are the Services repointed, and only when no
 * Service needs the server's port is it closed.
 */
import type { V1NetworkPolicy, V1Pod, V1Secret, V1Service } from '@kubernetes/client-node';
import { isDeepStrictEqual } from 'node:util';
import { keysSecretName, networkPolicyName, PREFIX, tokensSecretName } from '../../webhook/names.ts';
import type { Change, Plan } from './change.ts';
import { isOwned } from './owned.ts';
import { networkPolicyFor, policiesSelecting, stillAdmittedBy } from './policy.ts';
import { faultsOf, warningsOf } from './faults.ts';
import { keysSecret, type Random, tokensSecret } from './secrets.ts';
import { reachedPort, repointedService } from './services.ts';
import { strangersBehind } from './strangers.ts';
import { enabledTemplate, type WantedAnnotations } from './template.ts';
import {
  annotationOf,
  type DeclaredPort,
  declaredPorts,
  isOptedIn,
  objectName,
  ownPort,
  serverOf,
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
}

export interface EnableRequest {
  readonly annotations: WantedAnnotations;
  /** False leaves Services alone, and so the server's port open. */
  readonly services: boolean;
  readonly random: Random;
}

export function planEnable(workload: Workload, around: Surroundings, request: EnableRequest): Plan {
  const template = enabledTemplate(workload, request.annotations);
  const wanted = (template?.after ?? workload) as Workload;
  const name = annotationOf(wanted.spec.template, 'name')!;
  const serverPort = serverOf(wanted.spec.template)?.port;
  const ports = {
    listenPort: ownPort(wanted.spec.template, 'listen-port'),
    adminPort: ownPort(wanted.spec.template, 'admin-port'),
  };
  const before = secretChanges(wanted, name, around, request.random);
  const faults = [...faultsOf(wanted), ...foreignPolicy(name, around), ...movedListenPort(workload, wanted)];
  const warnings = [...changedScheme(workload, wanted), ...(template ? warningsOf(wanted) : [])];
  const start = { before, ...(template && { template }), after: [], warnings, refusals: [], faults };
  if (serverPort === undefined || faults.length > 0) return start;
  if (!request.services) {
    return {
      ...start,
      warnings: [...warnings, `Services are left as they are: who calls port ${serverPort} is not checked`],
    };
  }
  const selecting = around.services.filter((each) =>
    serviceSelects(each.spec?.selector, workload.spec.template.metadata?.labels),
  );
  const declared = declaredPorts(workload.spec.template);
  const repointed = selecting.flatMap(
    (each) => repointedService(each, { declared, serverPort, listenPort: ports.listenPort }) ?? [],
  );
  const others = policiesSelecting(around.policies, workload, name);
  const policyInput = { workload, name, serverPort, ...ports, services: selecting, others };
  return {
    ...start,
    after: [...repointed, ...policyChange(networkPolicyFor(policyInput), around)],
    warnings: [
      ...warnings,
      ...unreached(selecting, declared, serverPort, ports.listenPort),
      ...headless(repointed, serverPort, ports.listenPort),
      ...stillAdmittedBy(policyInput),
    ],
    refusals: strangersBehind(
      repointed,
      workload,
      around.pods,
      (pod) => !servesSidecar(pod, ports.listenPort),
    ).map(
      ({ service, pods }) =>
        `${service} also selects pods without a proxy (${pods}): calls to them would fail.\n` +
        'Enable the others with --services=false first, or give --force',
    ),
  };
}

function secretChanges(wanted: Workload, name: string, around: Surroundings, random: Random): Change[] {
  const { namespace } = wanted.metadata;
  const there = (secretName: string) => around.secrets.some((each) => each.metadata?.name === secretName);
  const changes: Change[] = [];
  if (!there(keysSecretName(name))) {
    changes.push(created(keysSecret(name, namespace, random), 'session: 32 random bytes'));
  }
  const tokens = annotationOf(wanted.spec.template, 'token-secret');
  if (tokens === tokensSecretName(name) && !there(tokens)) {
    changes.push(created(tokensSecret(name, namespace, random), 'default: a random token'));
  }
  return changes;
}

/** A policy of our name that someone else made is neither overwritten nor, later, deleted. */
const foreignPolicy = (name: string, around: Surroundings): string[] =>
  around.policies
    .filter((each) => each.metadata?.name === networkPolicyName(name) && !isOwned(each, name))
    .map(
      (each) =>
        `networkpolicy.networking.k8s.io/${each.metadata!.name} is not ours: it lacks the label app.kubernetes.io/managed-by: kubectl-mcp`,
    );

/** While a rollout changes the port that Services reach, half of the pods would not answer there. */
const movedListenPort = (workload: Workload, wanted: Workload): string[] =>
  isOptedIn(workload.spec.template) &&
  ownPort(workload.spec.template, 'listen-port') !== ownPort(wanted.spec.template, 'listen-port')
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

function policyChange(policy: V1NetworkPolicy, around: Surroundings): Change[] {
  const old = around.policies.find((each) => each.metadata?.name === policy.metadata!.name);
  const admitted = policy.spec!.ingress![0]!.ports!.map((each) => `${each.protocol}/${each.port}`).join(', ');
  if (!old) return [created(policy, `admits ${admitted}`)];
  if (isDeepStrictEqual(old.spec, policy.spec)) return [];
  const identity = { apiVersion: policy.apiVersion!, kind: policy.kind! };
  const after = { ...old, ...identity, spec: policy.spec! };
  return [{ before: { ...old, ...identity }, after, done: 'configured', details: [`admits ${admitted}`] }];
}

const unreached = (
  services: readonly V1Service[],
  declared: readonly DeclaredPort[],
  serverPort: number,
  listenPort: number,
): string[] =>
  services.some((service) =>
    (service.spec?.ports ?? []).some((port) =>
      [serverPort, listenPort].includes(reachedPort(port, declared) ?? 0),
    ),
  )
    ? []
    : [
        `no Service reaches port ${serverPort}: there is nothing to repoint; the proxy listens on ${listenPort}`,
      ];

const headless = (changes: readonly Change[], serverPort: number, listenPort: number): string[] =>
  changes
    .filter((each) => (each.before as V1Service).spec?.clusterIP === 'None')
    .map(
      (each) =>
        `${objectName(each.before!)} is headless: clients that resolve it connect to the pods' port ${serverPort} themselves; tell them port ${listenPort}`,
    );

const servesSidecar = (pod: V1Pod, listenPort: number): boolean =>
  isOptedIn(pod) && ownPort(pod, 'listen-port') === listenPort;

const created = (after: V1Secret | V1NetworkPolicy, detail: string): Change => ({
  after,
  done: 'created',
  details: [detail],
});
