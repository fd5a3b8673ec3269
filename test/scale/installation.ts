/** The installed webhook: how many replicas it has, and what they count. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import { INSTALL_NAMESPACE, WEBHOOK_NAME } from '../../webhook/names.ts';
import { kubectl, webhookRolledOut } from '../cluster/kubectl.ts';
import type { ApiClient } from './api-client.ts';
import { samplesIn } from './samples.ts';
import type { Sample } from './samples.ts';

const PODS = `/api/v1/namespaces/${INSTALL_NAMESPACE}/pods`;

/** Exactly so many, and none that is still ending. */
export async function scaleWebhook(replicas: number): Promise<void> {
  const name = `deployment/${WEBHOOK_NAME}`;
  await kubectl(['-n', INSTALL_NAMESPACE, 'scale', name, `--replicas=${replicas}`]);
  await webhookRolledOut();
  for (let left = 120; (await webhookPods()).length !== replicas; left--) {
    if (left === 0) throw new Error(`the webhook does not come down to ${replicas}`);
    await sleep(1_000);
  }
}

export async function webhookPods(): Promise<V1Pod[]> {
  const label = 'app.kubernetes.io/component=webhook';
  const list = await kubectl(['-n', INSTALL_NAMESPACE, 'get', 'pods', '-l', label, '-o', 'json']);
  return (JSON.parse(list) as { items: V1Pod[] }).items;
}

/** Of all replicas. */
export async function webhookSamples(api: ApiClient): Promise<Sample[]> {
  const names = (await webhookPods()).map((each) => each.metadata!.name!);
  const paths = names.map((name) => `${PODS}/https:${name}:8443/proxy/metrics`);
  return (await Promise.all(paths.map((path) => api.ask('GET', path)))).flatMap(samplesIn);
}
