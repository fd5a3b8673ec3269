/** What the sidecar alone may read, and the volumes of the pod that it shares with who fills them. */
import type { V1Volume, V1VolumeMount } from '@kubernetes/client-node';
import { MOUNT } from '../sidecar/mounts.ts';
import { PINS_KEY } from '../sidecar/pins/pins-schema.ts';
import { AUTHORITY_FILE } from '../sidecar/upstream/read-authorities.ts';
import { isStdio } from './request.ts';
import type { InjectionRequest } from './request.ts';
import { STDIO_VOLUME, VOLUME, keysSecretName, runVolumeName, volumeName } from './names.ts';
import { RUN_DIRECTORY } from './supervised.ts';

/** As the API server defaults it, so that a second pass finds nothing to change. */
const MODE = 0o644;
/** The kubelet renews at 80 % of the life; 3607 is what Kubernetes itself asks for, so that audit can tell. */
const TOKEN_SECONDS = 3607;

/**
 * Volumes that are ours. All but the keys must be there: without its certificate or policy the sidecar would serve what
 * nobody meant, so the kubelet waits for them (`FailedMount`).
 */
export function volumesOf(requests: readonly InjectionRequest[], workload: string): V1Volume[] {
  const ofServers = requests.map(volumesOfServer);
  return [
    ...(requests.some(needsApiServer) ? [kubernetesVolume()] : []),
    ...ofServers.flatMap(({ tokens }) => tokens),
    {
      name: VOLUME.keys,
      secret: { secretName: keysSecretName(workload), optional: true, defaultMode: MODE },
    },
    ...ofServers.flatMap(({ others }) => others),
    ...stdioVolumes(requests),
  ];
}

export const needsApiServer = ({ auth, authorization }: InjectionRequest): boolean =>
  auth.includes('kubernetes') || authorization === 'kubernetes';

/** Programs for the servers' containers, and per server the pipes between its container and the proxy. */
function stdioVolumes(requests: readonly InjectionRequest[]): V1Volume[] {
  const stdio = requests.filter(isStdio);
  if (stdio.length === 0) return [];
  const names = [STDIO_VOLUME.bin, ...stdio.map(({ server }) => runVolumeName(server?.name))];
  return names.map((name) => ({ name, emptyDir: {} }));
}

/** In the proxy. */
export const runMountPath = (server?: string): string =>
  server === undefined ? RUN_DIRECTORY : `${RUN_DIRECTORY}-${server}`;

function volumesOfServer(request: InjectionRequest): { tokens: V1Volume[]; others: V1Volume[] } {
  const nameOf = (key: keyof typeof VOLUME): string => volumeName(key, request.server?.name);
  return {
    tokens: secretVolume(nameOf('tokens'), request['token-secret']),
    others: [
      ...secretVolume(nameOf('introspection'), request['oidc-introspection-secret']),
      ...secretVolume(nameOf('tls'), request['tls-secret']),
      ...configMapVolume(nameOf('trustedActors'), request['trusted-actors']),
      ...secretVolume(nameOf('clientAuthority'), request['mtls-ca-secret'], AUTHORITY_FILE),
      ...configMapVolume(nameOf('clientAuthority'), request['mtls-ca-configmap'], AUTHORITY_FILE),
      ...configMapVolume(nameOf('policy'), request.policy),
      ...configMapVolume(nameOf('pins'), request.pins, PINS_KEY),
      ...secretVolume(nameOf('upstreamHeaders'), request['upstream-headers-secret']),
      ...secretVolume(nameOf('upstreamAuthority'), request['upstream-ca-secret']),
      ...configMapVolume(nameOf('upstreamAuthority'), request['upstream-ca-configmap']),
      ...secretVolume(nameOf('upstreamToken'), request['upstream-token-secret']),
      ...configMapVolume(nameOf('outboundAuthority'), request['ca-configmap']),
    ],
  };
}

/** Beside the others', never in them: the sidecar follows no link below the mounts. */
export const mountPath = (key: keyof typeof MOUNT, server?: string): string =>
  server === undefined ? MOUNT[key] : `${MOUNT[key]}-${server}`;

/** In the order of {@link VOLUME}, whose names those of the pod's own volumes take the place of. */
export function mountsOf(requests: readonly InjectionRequest[], volumes: V1Volume[]): V1VolumeMount[] {
  const isThere = (name: string): boolean => volumes.some((each) => each.name === name);
  const secrets = (Object.keys(VOLUME) as (keyof typeof VOLUME)[]).flatMap((key) => {
    const ofPod = key === 'kubernetes' || key === 'keys';
    const servers = ofPod ? [undefined] : requests;
    return servers.flatMap((request) => {
      const server = request?.server?.name;
      const own = volumeName(key, server);
      const name = isThere(own) ? own : request && filledVolume(request, key);
      return name === undefined ? [] : [{ name, mountPath: mountPath(key, server), readOnly: true }];
    });
  });
  const runs = requests.filter(isStdio).map(({ server }) => ({
    name: runVolumeName(server?.name),
    mountPath: runMountPath(server?.name),
  }));
  return [...secrets, ...runs];
}

/** A volume of the pod that another tool fills. */
function filledVolume(request: InjectionRequest, key: keyof typeof VOLUME): string | undefined {
  if (key === 'tokens') return request['token-volume']?.volume;
  return key === 'upstreamHeaders' ? request['upstream-headers-volume']?.volume : undefined;
}

/** @param key the only one that is mounted; all unless given */
const secretVolume = (name: string, secretName: string | undefined, key?: string): V1Volume[] =>
  secretName === undefined ? [] : [{ name, secret: { secretName, ...only(key), defaultMode: MODE } }];

const only = (key?: string): { items?: { key: string; path: string }[] } =>
  key === undefined ? {} : { items: [{ key, path: key }] };

/** @param key the only one that is mounted; all unless given */
const configMapVolume = (volume: string, name: string | undefined, key?: string): V1Volume[] =>
  name === undefined
    ? []
    : [
        {
          name: volume,
          configMap: { name, defaultMode: MODE, ...(key !== undefined && { items: [{ key, path: key }] }) },
        },
      ];

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
