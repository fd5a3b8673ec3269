/** A ReplicaSet of somebody's, about which there is no early word: its pods meet the gate alone. */
import type { V1ConfigMap, V1PodTemplateSpec } from '@kubernetes/client-node';
import { kubectl } from './kubectl.ts';

export async function createOwned(
  namespace: string,
  name: string,
  template: V1PodTemplateSpec,
): Promise<void> {
  const create = (object: object) =>
    kubectl(['-n', namespace, 'create', '-o', 'json', '-f', '-'], { input: JSON.stringify(object) });
  const controller = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } };
  const { uid = '' } = (JSON.parse(await create(controller)) as V1ConfigMap).metadata ?? {};
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name, uid, controller: true }];
  await create({
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name, labels: template.metadata?.labels, ownerReferences },
    spec: { selector: { matchLabels: template.metadata?.labels }, template },
  });
}
