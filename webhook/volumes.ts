/** What the sidecar alone may read: its token for the API server, callers' tokens, the key that replicas share. */
import type { V1Volume, V1VolumeMount } from '@kubernetes/client-node';
import { MOUNT } from '../sidecar/config.ts';
import type { InjectionRequest } from './annotations.ts';
import { VOLUME, keysSecretName } from './names.ts';

/** As the API server defaults it, so that a second pass finds nothing to change. */
const MODE = 0o644;
/** The kubelet renews at 80 % of the life; 3607 is what Kubernetes itself asks for, so that audit can tell. */
const TOKEN_SECONDS = 3607;

export function volumesOf(request: InjectionRequest, workload: string): V1Volume[] {
  const keys = {
    name: VOLUME.keys,
    secret: { secretName: keysSecretName(workload), optional: true, defaultMode: MODE },
  };
  if (request.auth === 'kubernetes') return [kubernetesVolume(), keys];
  if (request.auth === 'none') return [keys];
  return [{ name: VOLUME.tokens, secret: { secretName: request['token-secret'], defaultMode: MODE } }, keys];
}

export const mountsOf = (volumes: V1Volume[]): V1VolumeMount[] =>
  (Object.keys(VOLUME) as (keyof typeof VOLUME)[])
    .filter((key) => volumes.some((each) => each.name === VOLUME[key]))
    .map((key) => ({ name: VOLUME[key], mountPath: MOUNT[key], readOnly: true }));

/** Also where `automountServiceAccountToken` is false: the sidecar needs the cluster's keys, the server gets nothing. */
const kubernetesVolume = (): V1Volume => ({
  name: VOLUME.kubernetes,
  projected: {
    defaultMode: MODE,
    sources: [
      { serviceAccountToken: { path: 'token', expirationSeconds: TOKEN_SECONDS } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    ],
  },
});
