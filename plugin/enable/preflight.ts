/** Asks the API server, without creating anything, whether pods of the new template would be taken. */
import type { V1Pod } from '@kubernetes/client-node';
import { INSTALL_NAMESPACE, WEBHOOK_CONFIGURATION } from '../../webhook/names.ts';
import { CliError } from '../errors.ts';
import type { Cluster } from '../kube/client.ts';
import { apiStatusOf, isForbidden, isNotFound } from '../kube/errors.ts';
import { explainRefusal, foreseenRefusal } from './explain-refusal.ts';
import { podOf } from './faults.ts';
import { hasSidecar, objectName, type Workload } from './workload.ts';

/** @throws {CliError} when the webhook is not installed. Who may not look is not held up. */
export async function checkInstalled(cluster: Cluster): Promise<void> {
  try {
    await cluster.admission.readMutatingWebhookConfiguration({ name: WEBHOOK_CONFIGURATION });
  } catch (error) {
    if (isForbidden(error)) return;
    if (!isNotFound(error)) throw error;
    throw new CliError(
      `kubectl-mcp is not installed in this cluster: there is no MutatingWebhookConfiguration "${WEBHOOK_CONFIGURATION}"\nRun kubectl mcp install`,
    );
  }
}

/**
 * Sends a pod of the template as a dry run, through all of admission.
 * @returns a warning where the API server would refuse the pod for now (a quota), or nothing.
 * @throws {CliError} where it never will be a pod with the sidecar.
 */
export async function tryPod(cluster: Cluster, workload: Workload): Promise<string | undefined> {
  let pod: V1Pod;
  try {
    pod = await cluster.core.createNamespacedPod({
      namespace: cluster.namespace,
      body: podOf(workload),
      dryRun: 'All',
    });
  } catch (error) {
    const status = apiStatusOf(error);
    if (!status) throw error;
    // The user may not create pods: the workload's controller may.
    const mayNot = isForbidden(error) && status.message.startsWith('pods is forbidden');
    const refusal = mayNot
      ? await foreseenRefusal(cluster, workload)
      : await explainRefusal(cluster, workload, status.message);
    if (!refusal) return undefined;
    const text = `a pod of the new template would be refused: ${refusal.cause}\nNext: ${refusal.fix}`;
    if (refusal.lasting) throw new CliError(`${objectName(workload)}: ${text}`, { cause: error });
    return text;
  }
  if (hasSidecar(pod)) return undefined;
  throw new CliError(
    `${objectName(workload)}: the webhook leaves pods of namespace ${cluster.namespace} alone, none would get the proxy\n` +
      `Run kubectl mcp doctor; compare MutatingWebhookConfiguration ${WEBHOOK_CONFIGURATION} with what kubectl mcp install writes, and see the webhook's log: kubectl logs -n ${INSTALL_NAMESPACE} -l app.kubernetes.io/name=kubectl-mcp`,
  );
}
