/** Looks for Ingresses whose callers the proxy would refuse. */
import type { V1Ingress } from '@kubernetes/client-node';
import { parseAnnotations } from '../../webhook/parse-annotations.ts';
import type { Cluster } from '../kube/client.ts';
import { isForbidden } from '../kube/errors.ts';
import { refusedHosts } from '../sources/ingress-hosts.ts';
import type { Plan } from './change.ts';
import type { Surroundings } from './plan.ts';
import { serviceSelects, type Workload } from './workload.ts';

/** @returns warnings; none where the user may not look. */
export async function checkIngresses(
  cluster: Cluster,
  { template: change }: Plan,
  { services }: Surroundings,
): Promise<string[]> {
  const workload = change?.after as Workload | undefined;
  const template = workload?.spec.template;
  const parsed = parseAnnotations(template?.metadata?.annotations);
  if (!workload || !template || 'refusals' in parsed) return [];
  const leading = services.filter((each) => serviceSelects(each.spec?.selector, template.metadata?.labels));
  return refusedHosts(await readIngresses(cluster), leading, workload, parsed.servers).map(
    ({ ingress, host }) =>
      `ingress/${ingress} sends requests for host ${host}, which the proxy refuses: give --public-url https://${host}/mcp, or --allowed-hosts ${host}`,
  );
}

const readIngresses = async ({ networking, namespace }: Cluster): Promise<V1Ingress[]> => {
  try {
    return (await networking.listNamespacedIngress({ namespace })).items;
  } catch (error) {
    if (isForbidden(error)) return [];
    throw error;
  }
};
