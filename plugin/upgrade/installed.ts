/** Which webhook makes the proxies of which namespace, and of what image. */
import type { V1Deployment } from '@kubernetes/client-node';
import { INSTALL_NAMESPACE, REVISION_LABEL } from '../../webhook/names.ts';
import type { InjectSettings } from '../../webhook/settings.ts';
import type { Cluster } from '../kube/client.ts';

export type InstalledWebhook = Pick<InjectSettings, 'image' | 'imagePullPolicy'> & {
  /** Absent: the default one. */
  readonly revision?: string;
};

export interface Installed {
  readonly webhooks: readonly InstalledWebhook[];
  /** By namespace, where one asks for a revision. */
  readonly revisionOf: Readonly<Record<string, string>>;
}

const IMAGE_ENV = 'KUBECTL_MCP_IMAGE';

/** @throws where the user may not look. */
export async function readInstalled({ apps, core }: Cluster): Promise<Installed> {
  const labelSelector = 'app.kubernetes.io/name=kubectl-mcp';
  const { items } = await apps.listNamespacedDeployment({ namespace: INSTALL_NAMESPACE, labelSelector });
  const webhooks = items.flatMap((each) => webhookOf(each) ?? []);
  // Most clusters have the default alone, and few users may list namespaces.
  if (webhooks.every((each) => each.revision === undefined)) return { webhooks, revisionOf: {} };
  const namespaces = await core.listNamespace({ labelSelector: REVISION_LABEL });
  const revisions = namespaces.items.map(({ metadata }) => [
    metadata!.name!,
    metadata!.labels![REVISION_LABEL]!,
  ]);
  return { webhooks, revisionOf: Object.fromEntries(revisions) };
}

/** The revision that the namespace asks for, where it is installed; else the default takes it. */
export const webhookFor = (
  { webhooks, revisionOf }: Installed,
  namespace: string,
): InstalledWebhook | undefined =>
  webhooks.find((each) => each.revision !== undefined && each.revision === revisionOf[namespace]) ??
  webhooks.find((each) => each.revision === undefined);

function webhookOf({ metadata, spec }: V1Deployment): InstalledWebhook | undefined {
  const [container] = spec?.template.spec?.containers ?? [];
  const image = container?.env?.find((each) => each.name === IMAGE_ENV)?.value;
  if (image === undefined) return undefined;
  const revision = metadata?.labels?.[REVISION_LABEL];
  return { image, imagePullPolicy: 'IfNotPresent', ...(revision && { revision }) };
}
