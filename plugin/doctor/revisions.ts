/** Which webhooks of ours are installed beside each other, and which namespaces they might be asked about. */
import type { V1MutatingWebhookConfiguration } from '@kubernetes/client-node';
import { REVISION_LABEL, WEBHOOK_ENTRY } from '../../webhook/names.ts';
import { plain } from '../enable/read.ts';
import type { Cluster } from '../kube/client.ts';

export interface Revisions {
  /** Those that hold a webhook of ours, whoever made them. */
  readonly configurations: readonly V1MutatingWebhookConfiguration[];
  /** With their labels: all where there are several configurations, else those that ask for a revision. */
  readonly namespaces: readonly {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
  }[];
}

export async function readRevisions({ admission, core }: Cluster): Promise<Revisions> {
  const { items } = await admission.listMutatingWebhookConfiguration();
  const configurations = plain(items).filter((each) =>
    each.webhooks?.some(({ name }) => name === WEBHOOK_ENTRY),
  );
  const query = configurations.length > 1 ? {} : { labelSelector: REVISION_LABEL };
  const namespaces = (await core.listNamespace(query)).items.map(({ metadata }) => ({
    name: metadata!.name!,
    labels: metadata!.labels ?? {},
  }));
  return { configurations, namespaces };
}
