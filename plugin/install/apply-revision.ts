/**
 * A revision put beside the default, and taken away. Whenever a namespace passes from one to the other both are asked for
 * a moment, never none: a pod that two inject has one proxy, a pod that nobody injects has none.
 */
import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject, PatchStrategy } from '@kubernetes/client-node';
import { REVISION_LABEL, WEBHOOK_CONFIGURATION } from '../../webhook/names.ts';
import { plain } from '../enable/read.ts';
import type { DryRun } from '../flags.ts';
import { type Applied, readObject } from '../kube/apply.ts';
import type { Cluster } from '../kube/client.ts';
import { apiStatusOf } from '../kube/errors.ts';
import { applyAll, INSTALL_MANAGER } from './apply-all.ts';
import { asleep, defaultObjects, isAwake, isConfiguration } from './revision.ts';

// The value itself would load client-node.
const MERGE_PATCH: PatchStrategy = 'application/merge-patch+json';
const IS_CONFLICT = 409;
const ATTEMPTS = 5;
const GROUP = 'admissionregistration.k8s.io/v1';
const KINDS = ['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'];

export interface InstalledRevision {
  readonly name: string;
  /** Its namespaces are its own: it was ready once. */
  readonly awake: boolean;
}

/** Those whose webhook configuration is there. */
export async function installedRevisions({ admission }: Cluster): Promise<InstalledRevision[]> {
  const query = { labelSelector: REVISION_LABEL };
  const { items } = await admission.listMutatingWebhookConfiguration(query);
  return items
    .map((each) => ({ name: each.metadata!.labels![REVISION_LABEL]!, awake: isAwake(each) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Whose namespaces the default has to leave alone. */
export const awakeRevisions = async (cluster: Cluster): Promise<string[]> =>
  (await installedRevisions(cluster)).filter((each) => each.awake).map((each) => each.name);

/** Namespaces that ask for it. */
export async function namespacesOf({ core }: Cluster, revision: string): Promise<string[]> {
  const { items } = await core.listNamespace({ labelSelector: `${REVISION_LABEL}=${revision}` });
  return items.map(({ metadata }) => metadata!.name!);
}

interface Revision {
  readonly name: string;
  readonly objects: readonly KubernetesObject[];
}

/** @param ready returns when its webhook can do its work; not called in a dry run. */
export async function* applyRevision(
  cluster: Cluster,
  { name, objects }: Revision,
  { dryRun, ready }: { dryRun: DryRun; ready: () => Promise<void> },
): AsyncGenerator<Applied> {
  const before = await awakeRevisions(cluster);
  const isNew = !before.includes(name);
  // Its namespaces stay with the default until it is ready: an unready webhook refuses pods.
  yield* applyAll(cluster, isNew ? objects.map((each) => asleep(each, name)) : objects, dryRun);
  if (dryRun === 'none') await ready();
  if (isNew && dryRun === 'none') yield* applyAll(cluster, objects.filter(isConfiguration), dryRun);
  yield* leaveToRevisions(cluster, [...new Set([...before, name])], dryRun);
}

/** Has the default's configurations, whatever version they are of, leave the namespaces of these revisions alone. */
export async function* leaveToRevisions(
  cluster: Cluster,
  revisions: readonly string[],
  dryRun: DryRun,
): AsyncGenerator<Applied> {
  for (const kind of KINDS) {
    const identity = { apiVersion: GROUP, kind, metadata: { name: WEBHOOK_CONFIGURATION } };
    const applied = await leave(cluster, identity, revisions, dryRun);
    if (applied) yield applied;
  }
}

async function leave(
  cluster: Cluster,
  identity: KubernetesObject,
  revisions: readonly string[],
  dryRun: DryRun,
): Promise<Applied | undefined> {
  for (let attempt = 1; ; attempt++) {
    const found = await readObject(cluster, identity);
    if (!found) return undefined;
    const live = { ...plain(found), ...identity, metadata: plain(found).metadata! } as KubernetesObject;
    const [wanted] = defaultObjects([live], revisions);
    if (isDeepStrictEqual(webhooksOf(live), webhooksOf(wanted!))) return { object: live, verb: 'unchanged' };
    if (dryRun === 'client') return { object: wanted!, verb: 'configured' };
    // A list travels whole: with the version that was read, so that a caBundle written meanwhile is not lost.
    const metadata = { ...identity.metadata, resourceVersion: live.metadata!.resourceVersion };
    const patch = { ...identity, metadata, webhooks: webhooksOf(wanted!) } as KubernetesObject;
    const dry = dryRun === 'server' ? 'All' : undefined;
    try {
      const object = await cluster.objects.patch(
        patch,
        undefined,
        dry,
        INSTALL_MANAGER,
        undefined,
        MERGE_PATCH,
      );
      return { object: { ...object, ...identity, metadata: object.metadata! }, verb: 'configured' };
    } catch (error) {
      if (apiStatusOf(error)?.code !== IS_CONFLICT || attempt === ATTEMPTS) throw error;
    }
  }
}

const webhooksOf = (object: KubernetesObject): unknown => (object as { webhooks?: unknown }).webhooks;
