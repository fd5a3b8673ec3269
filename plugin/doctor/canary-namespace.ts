/** Where the webhook can be tried when no namespace is asked about. */
import type { V1LabelSelector } from '@kubernetes/client-node';
import { WEBHOOK_CONFIGURATION, WEBHOOK_ENTRY } from '../../webhook/names.ts';
import type { Cluster } from '../kube/client.ts';
import { orNull } from './read.ts';

const DEFAULT = 'default';

/** A namespace that the webhook is asked about: `default` where it is one, and where none can be found. */
export async function canaryNamespace({ admission, core }: Cluster): Promise<string> {
  const found = await orNull(
    admission.readMutatingWebhookConfiguration({ name: WEBHOOK_CONFIGURATION }),
  ).catch(() => null);
  const entry = found?.webhooks?.find(({ name }) => name === WEBHOOK_ENTRY);
  if (!entry?.namespaceSelector) return DEFAULT;
  const labelSelector = labelQuery(entry.namespaceSelector);
  for (const fieldSelector of [`metadata.name=${DEFAULT}`, 'status.phase=Active']) {
    const list = await core.listNamespace({ labelSelector, fieldSelector, limit: 1 }).catch(() => null);
    const name = list?.items[0]?.metadata?.name;
    if (name !== undefined) return name;
  }
  return DEFAULT;
}

/** A selector as the API takes it in a query. */
export function labelQuery({ matchLabels = {}, matchExpressions = [] }: V1LabelSelector): string {
  const expressions = matchExpressions.map(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    return `${key} ${operator.toLowerCase()} (${values.join(',')})`;
  });
  return [...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`), ...expressions].join(',');
}
