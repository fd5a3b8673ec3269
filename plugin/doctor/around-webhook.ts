/** What stands around the webhook: its Deployment, who issues for it, and what each replica says of itself. */
import type { KubernetesObject, V1PodDisruptionBudget } from '@kubernetes/client-node';
import { INSTALL_NAMESPACE, WEBHOOK_NAME } from '../../webhook/names.ts';
import { plain } from '../enable/read.ts';
import { readObject } from '../kube/apply.ts';
import type { Cluster } from '../kube/client.ts';
import { orNull, tryRead, valueOf } from './read.ts';
import { readReplicas } from './replicas.ts';
import type { Issuing, Read, Values } from './snapshot.ts';

type Sources = 'webhookDeployment' | 'webhookBudgets' | 'webhookReplicas' | 'issuing';

/** cert-manager's CA injector reads it. @see https://cert-manager.io/docs/concepts/ca-injector/ */
const INJECT_FROM = 'cert-manager.io/inject-ca-from';
const there = `in namespace ${INSTALL_NAMESPACE}`;
const namespace = INSTALL_NAMESPACE;

export async function readAroundWebhook(
  cluster: Cluster,
  configuration: Read<Values['configuration']>,
  signal: AbortSignal,
): Promise<{ [S in Sources]: Read<Values[S]> }> {
  const [webhookDeployment, webhookBudgets, webhookReplicas, issuing] = await Promise.all([
    tryRead(
      `get deployment ${WEBHOOK_NAME} ${there}`,
      async () =>
        plain(await orNull(cluster.apps.readNamespacedDeployment({ name: WEBHOOK_NAME, namespace }))),
      signal,
    ),
    tryRead(
      `list poddisruptionbudgets ${there}`,
      async () => {
        const list = await cluster.objects.list('policy/v1', 'PodDisruptionBudget', namespace);
        return plain(list.items) as V1PodDisruptionBudget[];
      },
      signal,
    ),
    readReplicas(cluster, signal),
    readIssuing(cluster, valueOf(configuration)?.metadata?.annotations?.[INJECT_FROM], signal),
  ]);
  return { webhookDeployment, webhookBudgets, webhookReplicas, issuing };
}

type Certificate = KubernetesObject & {
  status?: { conditions?: { type: string; status: string; message?: string }[] };
};

async function readIssuing(
  cluster: Cluster,
  from: string | undefined,
  signal: AbortSignal,
): Promise<Read<Issuing | null>> {
  if (from === undefined) return { value: null };
  const [of = '', name = ''] = from.split('/');
  return tryRead(
    `get certificate ${name} in namespace ${of}`,
    async () => {
      const metadata = { namespace: of, name };
      const object = { apiVersion: 'cert-manager.io/v1', kind: 'Certificate', metadata };
      const found = name && ((await readObject(cluster, object)) as Certificate | undefined);
      if (!found) return { certificate: from, exists: false, ready: false };
      const condition = found.status?.conditions?.find(({ type }) => type === 'Ready');
      return {
        certificate: from,
        exists: true,
        ready: condition?.status === 'True',
        ...(condition?.message && { message: condition.message }),
      };
    },
    signal,
  );
}
