/** Whether another tool installed what is there: two masters would take back each other's changes. */
import { INSTALL_NAMESPACE, WEBHOOK_NAME } from '../../webhook/names.ts';
import { CliError } from '../errors.ts';
import { readObject } from '../kube/apply.ts';
import type { Cluster } from '../kube/client.ts';
import { owningTool } from '../kube/owning-tool.ts';

const WEBHOOK = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: WEBHOOK_NAME, namespace: INSTALL_NAMESPACE },
};

/** What each verb is to do there instead. */
const INSTEAD = {
  install: 'which would take back what install changes\nUpgrade it there, or take it over with --force',
  revision:
    'which would take back that its webhook configurations leave the namespaces of a revision alone\nWrite that there (namespaceSelector: { key: kubectl-mcp.dev/revision, operator: NotIn }), and go on with --force',
  uninstall: 'which would bring back what uninstall removes\nRemove it there, or go on with --force',
} as const;

/** @throws {CliError} that names the tool. */
export async function checkOwner(cluster: Cluster, verb: keyof typeof INSTEAD): Promise<void> {
  const deployment = await readObject(cluster, WEBHOOK);
  const owner = deployment && owningTool(deployment);
  if (owner === undefined) return;
  throw new CliError(
    `deployment/${WEBHOOK_NAME} in namespace ${INSTALL_NAMESPACE} belongs to ${owner}, ${INSTEAD[verb]}`,
  );
}
