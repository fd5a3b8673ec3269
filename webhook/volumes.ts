/** What the sidecar alone may read, and the volumes of the pod that it shares with who fills them. */
import type { V1Volume, V1VolumeMount } from '@kubernetes/client-node';
import { MOUNT } from '../sidecar/config.ts';
import type { InjectionRequest } from './annotations.ts';
import { VOLUME, keysSecretName } from './names.ts';

/** As the API server defaults it, so that a second pass finds nothing to change. */
const MODE = 0o644;
/** The kubelet renews at 80 % of the life; 3607 is what Kubernetes itself asks for, so that audit can tell. */
const TOKEN_SECONDS = 3607;

/**
 * Volumes that are ours. All but the keys must be there: without its certificate or policy the sidecar would serve what
 * nobody meant, so the kubelet waits for them (`FailedMount`).
 */
export function volumesOf(request: InjectionRequest, workload: string): V1Volume[] {
  return [
    ...(request.auth === 'kubernetes' ? [kubernetesVolume()] : []),
    ...secretVolume(VOLUME.tokens, request['token-secret']),
    {
      name: VOLUME.keys,
      secret: { secretName: keysSecretName(workload), optional: true, defaultMode: MODE },
    },
    ...secretVolume(VOLUME.tls, request['tls-secret']),
    ...(request.policy
      ? [{ name: VOLUME.policy, configMap: { name: request.policy, defaultMode: MODE } }]
      : []),
    ...secretVolume(VOLUME.upstreamHeaders, request['upstream-headers-secret']),
  ];
}

/** In the order of {@link VOLUME}, whose names those of the pod's own volumes take the place of. */
export function mountsOf(request: InjectionRequest, volumes: V1Volume[]): V1VolumeMount[] {
  const names: Partial<Record<keyof typeof VOLUME, string>> = {
    tokens: request['token-volume']?.volume,
    upstreamHeaders: request['upstream-headers-volume']?.volume,
  };
  return (Object.keys(VOLUME) as (keyof typeof VOLUME)[]).flatMap((key) => {
    const own = volumes.find((each) => each.name === VOLUME[key])?.name;
    const name = own ?? names[key];
    return name === undefined ? [] : [{ name, mountPath: MOUNT[key], readOnly: true }];
  });
}

const secretVolume = (name: string, secretName: string | undefined): V1Volume[] =>
  secretName === undefined ? [] : [{ name, secret: { secretName, defaultMode: MODE } }];

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
