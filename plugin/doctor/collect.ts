/** Reads everything that the checks look at, each source apart. Changes nothing. */
import type { V1Pod } from '@kubernetes/client-node';
import { INSTALL_NAMESPACE, WEBHOOK_CONFIGURATION, WEBHOOK_NAME } from '../../webhook/names.ts';
import { readWorkload, plain } from '../enable/read.ts';
import {
  hasSidecar,
  isLive,
  isOptedIn,
  objectName,
  type Workload,
  type WorkloadKind,
} from '../enable/workload.ts';
import { CliError } from '../errors.ts';
import type { Cluster } from '../kube/client.ts';
import { certificateSecretOf } from '../install/certificate-secret.ts';
import { isNotFound, toCliError } from '../kube/errors.ts';
import { listPods, listServices, listWorkloads } from '../kube/workloads.ts';
import { sendCanary } from './canary.ts';
import { type NamedSource, sourceKey, sourcesOf } from '../sources/named.ts';
import { readSource, type SourceFacts } from '../sources/read.ts';
import { readAroundWebhook } from './around-webhook.ts';
import { readInstalled } from '../upgrade/installed.ts';
import { readHealths } from './healths.ts';
import { readNamespaces } from './namespaces.ts';
import { orNull, tryRead, valueOf } from './read.ts';
import { readRevisions } from './revisions.ts';
import { readRefusalEvents } from './refusal-events.ts';
import { asArgument, podsOf } from './served.ts';
import type { Read, Snapshot, Values } from './snapshot.ts';

export interface DoctorScope {
  /** Undefined: all of them. */
  readonly namespace?: string;
  /** One workload of the namespace. */
  readonly workload?: { readonly kind: WorkloadKind; readonly name: string };
}

export interface CollectOptions {
  readonly nowMs: number;
  /** Aborted when the time is over. */
  readonly signal: AbortSignal;
  readonly update: (text: string) => void;
}

/** All but the dials. @throws {CliError} when the one workload is not there or not enabled. */
export async function collect(
  cluster: Cluster,
  scope: DoctorScope,
  { nowMs, signal, update }: CollectOptions,
): Promise<Omit<Snapshot, 'dials'>> {
  const { namespace } = scope;
  const where = namespace === undefined ? 'in all namespaces' : `in namespace ${namespace}`;
  const read = <T>(what: string, work: () => Promise<T>) => tryRead(what, work, signal);
  update(`Reading the installation and the workloads ${where}`);
  const [installation, allWorkloads, allPods, services, endpoints, events, policies, ingresses] =
    await Promise.all([
      readInstallation(cluster, scope, signal),
      scope.workload
        ? read(`get ${scope.workload.kind} ${where}`, async () => [await theOne(cluster, scope.workload!)])
        : read(`list deployments, statefulsets and daemonsets ${where}`, async () =>
            plain(await listWorkloads(cluster, scope)),
          ),
      read(`list pods ${where}`, async () => plain(await listPods(cluster, namespace))),
      read(`list services ${where}`, async () => listTypedServices(cluster, namespace)),
      read(`list endpointslices ${where}`, async () =>
        plain(
          (
            await (namespace === undefined
              ? cluster.discovery.listEndpointSliceForAllNamespaces()
              : cluster.discovery.listNamespacedEndpointSlice({ namespace }))
          ).items,
        ),
      ),
      read(`list events ${where}`, async () => {
        const query = { fieldSelector: 'reason=FailedCreate' };
        return plain(
          (
            await (namespace === undefined
              ? cluster.core.listEventForAllNamespaces(query)
              : cluster.core.listNamespacedEvent({ namespace, ...query }))
          ).items,
        );
      }),
      read(`list networkpolicies ${where}`, async () =>
        plain(
          (
            await (namespace === undefined
              ? cluster.networking.listNetworkPolicyForAllNamespaces()
              : cluster.networking.listNamespacedNetworkPolicy({ namespace }))
          ).items,
        ),
      ),
      read(`list ingresses ${where}`, async () =>
        plain(
          (
            await (namespace === undefined
              ? cluster.networking.listIngressForAllNamespaces()
              : cluster.networking.listNamespacedIngress({ namespace }))
          ).items,
        ),
      ),
    ]);
  const { workloads, pods } = inScope(scope, allWorkloads, allPods, where);
  update('Asking the proxies for their health');
  const [secrets, configMaps, namespaces, health, around, refusals] = await Promise.all([
    whereKnown(workloads, (found) => readSources(cluster, found, { kind: 'Secret', signal })),
    whereKnown(workloads, (found) => readSources(cluster, found, { kind: 'ConfigMap', signal })),
    readNamespaces(cluster, workloads, signal),
    whereKnown(pods, (found) => readHealths(cluster, found, signal)),
    readAroundWebhook(cluster, installation.configuration, signal),
    // Those of the one workload are among its own events.
    scope.workload ? { value: [] } : readRefusalEvents(cluster, namespace, signal),
  ]);
  return {
    nowMs,
    ...installation,
    ...around,
    refusals,
    workloads,
    others: whereRead(allWorkloads, (all) => all.filter((each) => !isOptedIn(each.spec.template))),
    pods,
    services,
    endpoints,
    events,
    policies,
    ingresses,
    secrets,
    configMaps,
    ...namespaces,
    health,
  };
}

async function readInstallation(cluster: Cluster, { namespace: wanted }: DoctorScope, signal: AbortSignal) {
  const read = <T>(what: string, work: () => Promise<T>) => tryRead(what, work, signal);
  const [namespace, name] = [INSTALL_NAMESPACE, WEBHOOK_NAME];
  const there = `in namespace ${namespace}`;
  const earlyWord = read('get validatingwebhookconfigurations', async () =>
    plain(
      await orNull(cluster.admission.readValidatingWebhookConfiguration({ name: WEBHOOK_CONFIGURATION })),
    ),
  );
  const [configuration, webhookService, webhookEndpoints, certificate, canary, installed, revisions] =
    await Promise.all([
      read('get mutatingwebhookconfigurations', async () =>
        plain(
          await orNull(cluster.admission.readMutatingWebhookConfiguration({ name: WEBHOOK_CONFIGURATION })),
        ),
      ),
      read(`get service ${name} ${there}`, async () =>
        plain(await orNull(cluster.core.readNamespacedService({ name, namespace }))),
      ),
      read(`list endpointslices ${there}`, async () => {
        const labelSelector = `kubernetes.io/service-name=${name}`;
        return plain(
          (await cluster.discovery.listNamespacedEndpointSlice({ namespace, labelSelector })).items,
        );
      }),
      read(`get deployment ${name} and the secret of its certificate ${there}`, async () => {
        const deployment = await orNull(cluster.apps.readNamespacedDeployment({ name, namespace }));
        const where = { name: certificateSecretOf(deployment), namespace };
        const secret = await orNull(cluster.core.readNamespacedSecret(where));
        const text = secret?.data?.['tls.crt'];
        return text === undefined ? null : Buffer.from(text, 'base64').toString('utf8');
      }),
      sendCanary(cluster, wanted, signal),
      read(`list deployments ${there}`, () => readInstalled(cluster)),
      read('list mutatingwebhookconfigurations and namespaces', () => readRevisions(cluster)),
      // Awaited with the others: where there is no API server it fails too.
      earlyWord,
    ]);
  return {
    configuration,
    earlyWord: await earlyWord,
    webhookService,
    webhookEndpoints,
    certificate,
    canary,
    installed,
    revisions,
  };
}

async function theOne(cluster: Cluster, ref: NonNullable<DoctorScope['workload']>): Promise<Workload> {
  const workload = await readWorkload(cluster, ref).catch((error: unknown) => {
    // Not a source that could not be read: there is nothing to look at.
    throw isNotFound(error) ? toCliError(error) : error;
  });
  if (isOptedIn(workload.spec.template)) return workload;
  throw new CliError(
    `${objectName(workload)} in namespace ${cluster.namespace} is not enabled\nRun kubectl mcp enable ${asArgument(workload)}`,
  );
}

const listTypedServices = async (cluster: Cluster, namespace: string | undefined) =>
  plain(await listServices(cluster, namespace)).map((each) => ({
    ...each,
    apiVersion: 'v1',
    kind: 'Service',
  }));

/** What is enabled; where nothing is, checks of workloads have nothing to say. */
function inScope(
  scope: DoctorScope,
  workloads: Read<readonly Workload[]>,
  pods: Read<readonly V1Pod[]>,
  where: string,
): { workloads: Read<readonly Workload[]>; pods: Read<readonly V1Pod[]> } {
  const found = valueOf(workloads)?.filter((each) => isOptedIn(each.spec.template));
  const nothing = { unknown: `no enabled workload ${where}` };
  const own = valueOf(pods)?.filter(
    (pod) => !scope.workload || (found ?? []).some((each) => podsOf(each, [pod]).length > 0),
  );
  const concerned = own?.some((pod) => isLive(pod) && (isOptedIn(pod) || hasSidecar(pod)));
  return {
    workloads: found ? (found.length > 0 ? { value: found } : nothing) : workloads,
    pods: own ? (concerned || found?.length ? { value: own } : nothing) : pods,
  };
}

const whereRead = <T, U>(read: Read<T>, next: (value: T) => U): Read<U> =>
  'value' in read ? { value: next(read.value) } : read;

const whereKnown = async <T, U>(read: Read<T>, next: (value: T) => Promise<Read<U>>): Promise<Read<U>> =>
  'value' in read ? next(read.value) : read;

/** By {@link sourceKey}. */
async function readSources(
  cluster: Cluster,
  workloads: readonly Workload[],
  { kind, signal }: { kind: NamedSource['kind']; signal: AbortSignal },
): Promise<Read<Values['secrets']>> {
  const found: Record<string, SourceFacts | null> = {};
  for (const { spec, metadata } of workloads) {
    const { namespace } = metadata;
    for (const source of sourcesOf(spec.template).filter((each) => each.kind === kind)) {
      const read = await tryRead(
        `get ${kind.toLowerCase()} ${source.name} in namespace ${namespace}`,
        () => readSource(cluster, source, namespace),
        signal,
      );
      if ('unknown' in read) return read;
      found[sourceKey(source, namespace)] = read.value;
    }
  }
  return { value: found };
}
