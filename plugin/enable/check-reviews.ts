/** Whether the pods' service account may have tokens reviewed, where the new template wants that. */
import { reviewsCommand } from '../../sidecar/auth/token-reviews.ts';
import { PREFIX } from '../../webhook/names.ts';
import type { Cluster } from '../kube/client.ts';
import { isForbidden } from '../kube/errors.ts';
import { serversIn, type Workload } from './workload.ts';

/** @returns a warning: who may bind cluster roles is seldom who enables a server, and pods may start meanwhile. */
export async function checkReviews(cluster: Cluster, { metadata, spec }: Workload): Promise<string[]> {
  if (!serversIn(spec.template).some(({ request }) => request.verify === 'tokenreview')) return [];
  const { namespace = cluster.namespace } = metadata;
  const account = spec.template.spec?.serviceAccountName || 'default';
  const may = await mayReview(cluster, namespace, account);
  if (may === true) return [];
  const words =
    may === false
      ? `service account ${account} may not have tokens reviewed, and without that every call gets 503`
      : `whether service account ${account} may have tokens reviewed cannot be seen; without that every call gets 503`;
  return [`${PREFIX}verify: ${words}\nNext: ${reviewsCommand(namespace, account)}`];
}

/** Undefined where the user may not ask. */
async function mayReview(cluster: Cluster, namespace: string, account: string): Promise<boolean | undefined> {
  try {
    const { status } = await cluster.authorization.createSubjectAccessReview({
      body: {
        spec: {
          user: `system:serviceaccount:${namespace}:${account}`,
          groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
          resourceAttributes: { group: 'authentication.k8s.io', resource: 'tokenreviews', verb: 'create' },
        },
      },
    });
    return status?.allowed === true;
  } catch (error) {
    if (isForbidden(error)) return undefined;
    throw error;
  }
}
