/** The Events by which the webhook tells owners that their pods were refused. */
import { WEBHOOK_NAME } from '../../webhook/names.ts';
import { plain } from '../enable/read.ts';
import type { Cluster } from '../kube/client.ts';
import { tryRead } from './read.ts';
import type { Read, Values } from './snapshot.ts';

export function readRefusalEvents(
  cluster: Cluster,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<Read<Values['refusals']>> {
  const query = { fieldSelector: `reportingComponent=${WEBHOOK_NAME},type=Warning` };
  return tryRead(
    `list events ${namespace === undefined ? 'in all namespaces' : `in namespace ${namespace}`}`,
    async () =>
      plain(
        (
          await (namespace === undefined
            ? cluster.core.listEventForAllNamespaces(query)
            : cluster.core.listNamespacedEvent({ namespace, ...query }))
        ).items,
      ),
    signal,
  );
}
