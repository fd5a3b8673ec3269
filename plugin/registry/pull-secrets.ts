/** Credentials for an image from the cluster: what the kubelet would pull it with. */
import type { V1PodSpec, V1Secret } from '@kubernetes/client-node';
import type { Cluster } from '../kube/client.ts';
import { isForbidden, isNotFound } from '../kube/errors.ts';
import { type Credentials, credentialsIn, type DockerConfig, parseConfig } from './credentials.ts';
import type { ImageReference } from './reference.ts';

/** Of the pod, else of its service account, whose secrets the API server gives to pods that name none. */
export async function pullSecretCredentials(
  cluster: Cluster,
  spec: V1PodSpec,
  image: ImageReference,
): Promise<Credentials | undefined> {
  const named = spec.imagePullSecrets ?? [];
  const names =
    named.length > 0 ? named : await secretsOfAccount(cluster, spec.serviceAccountName || 'default');
  for (const { name } of names) {
    const secret = name
      ? await readable(cluster.core.readNamespacedSecret({ name, namespace: cluster.namespace }))
      : undefined;
    const config = secret && configIn(secret, `secret/${name}`);
    const found = config && credentialsIn(config, image, `secret/${name}`);
    if (found) return found;
  }
  return undefined;
}

const secretsOfAccount = async (cluster: Cluster, name: string) =>
  (await readable(cluster.core.readNamespacedServiceAccount({ name, namespace: cluster.namespace })))
    ?.imagePullSecrets ?? [];

/** The older of the two types holds what stands below `auths` in the other. */
function configIn({ data = {} }: V1Secret, from: string): DockerConfig | undefined {
  const text = (key: string): string | undefined =>
    data[key] === undefined ? undefined : Buffer.from(data[key], 'base64').toString('utf8');
  const [newer, older] = [text('.dockerconfigjson'), text('.dockercfg')];
  if (newer !== undefined) return parseConfig(newer, from);
  return older === undefined
    ? undefined
    : { auths: parseConfig(older, from) as DockerConfig['auths'] & object };
}

/** What is not there, or may not be read, has nothing. */
const readable = <T>(reading: Promise<T>): Promise<T | undefined> =>
  reading.catch((error: unknown) => {
    if (isForbidden(error) || isNotFound(error)) return undefined;
    throw error;
  });
