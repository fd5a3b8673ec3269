/** The sidecar's container. Fields that the API server would default are written out: a second pass changes nothing. */
import type {
  V1Container,
  V1EnvVar,
  V1PodSpec,
  V1Probe,
  V1SecurityContext,
  V1VolumeMount,
} from '@kubernetes/client-node';
import { CONFIG_ENV, POD_ENV } from '../sidecar/config.ts';
import type { SidecarConfigInput } from '../sidecar/config.ts';
import { PREFIX, SIDECAR_CONTAINER } from './names.ts';
import { ownKeys } from './server-keys.ts';
import { refuse } from './refusals.ts';
import type { Refusal } from './refusals.ts';
import { heapMiB, resourcesOf } from './resources.ts';
import type { InjectSettings } from './settings.ts';

/** The user of the image. */
const IMAGE_USER = 65532;

const FIELD: Record<keyof typeof POD_ENV, string> = {
  name: 'metadata.name',
  namespace: 'metadata.namespace',
  uid: 'metadata.uid',
  ip: 'status.podIP',
  node: 'spec.nodeName',
};

/**
 * What the process gets of the container's environment; Kubernetes fills in the values. Other injectors set NODE_OPTIONS
 * and the like for each container, after us too, and Node cannot be told to ignore them.
 */
const ALLOWED_ENVIRONMENT = [
  '/bin/busybox',
  'env',
  '-i',
  'NODE_ENV=production',
  ...[CONFIG_ENV, ...Object.values(POD_ENV), 'KUBERNETES_SERVICE_HOST', 'KUBERNETES_SERVICE_PORT'].map(
    (name) => `${name}=$(${name})`,
  ),
];

export const NODE_FLAGS = [
  '--disable-proto=delete',
  '--max-semi-space-size=4',
  // Its code is 3 MB in every pod, and calls are not faster for it.
  '--no-maglev',
  // What calls allocate while the process warms up looks long-lived to V8; allocated as such for ever after, it is left
  // to full collections, and a call costs twice as much. In most processes of one build, in none of the next.
  '--no-allocation-site-pretenuring',
] as const;

export type ContainerParts = {
  config: SidecarConfigInput;
  mounts: V1VolumeMount[];
  startupSeconds: number;
  /** The pod's own `mcp-proxy` container: its resources and probe timings are taken over, nothing else. */
  given?: V1Container;
};

export function sidecarContainer(
  spec: V1PodSpec,
  { config, mounts, startupSeconds, given }: ContainerParts,
  settings: InjectSettings,
): V1Container {
  const resources = resourcesOf(spec, given?.resources);
  return {
    name: SIDECAR_CONTAINER,
    image: settings.image,
    imagePullPolicy: settings.imagePullPolicy,
    command: [
      ...ALLOWED_ENVIRONMENT,
      '/usr/bin/node',
      ...NODE_FLAGS,
      `--max-old-space-size=${heapMiB(resources)}`,
      '/app/sidecar.cjs',
    ],
    restartPolicy: 'Always',
    env: [{ name: CONFIG_ENV, value: environmentText(config) }, ...podFacts()],
    // Names that no server is likely to have: Services find ports of the app's containers by name.
    ports: [
      ...config.servers.map(({ listenPort }) => ({
        // Of several each has its own, which stays when another comes.
        name: config.servers.length === 1 ? 'mcp-proxy' : `mcp-proxy-${listenPort}`,
        containerPort: listenPort,
        protocol: 'TCP',
      })),
      { name: 'mcp-proxy-admin', containerPort: config.adminPort, protocol: 'TCP' },
    ],
    startupProbe: probe('/livez', config.adminPort, 1, startupSeconds, given?.startupProbe),
    livenessProbe: probe('/livez', config.adminPort, 10, 3, given?.livenessProbe),
    readinessProbe: probe('/readyz', config.adminPort, 5, 2, given?.readinessProbe),
    resources,
    securityContext: securityContext(spec),
    volumeMounts: mounts,
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'FallbackToLogsOnError',
  };
}

/** As whom the sidecar runs. */
export const sidecarUser = (spec: V1PodSpec): number => spec.securityContext?.runAsUser || IMAGE_USER;

/** Kubernetes expands `$(NAME)` in values of the environment; in JSON a `$` can be written so that none is left. */
const environmentText = (config: SidecarConfigInput): string =>
  JSON.stringify(config).replaceAll('$', '\\u0024');

/** Linux takes 128 KiB as one string of the environment (MAX_ARG_STRLEN), with its name. */
const MAX_ENVIRONMENT_BYTES = 127 * 1024;

/** A longer one could not be started. */
export function configurationFaults(
  config: SidecarConfigInput,
  annotations: Record<string, string> = {},
): Refusal[] {
  const bytes = Buffer.byteLength(environmentText(config));
  if (bytes <= MAX_ENVIRONMENT_BYTES) return [];
  const [longest = ''] = ownKeys(annotations).toSorted(
    (a, b) => (annotations[PREFIX + b] ?? '').length - (annotations[PREFIX + a] ?? '').length,
  );
  return [
    refuse(
      'ConfigurationTooLarge',
      longest,
      annotations[PREFIX + longest],
      `makes the configuration ${bytes} bytes long, more than ${MAX_ENVIRONMENT_BYTES} cannot be given to a process`,
      `shorten it: lists of tools take "*", and may stand in the ConfigMap of ${PREFIX}policy`,
    ),
  ];
}

const podFacts = (): V1EnvVar[] =>
  (Object.keys(POD_ENV) as (keyof typeof POD_ENV)[]).map((key) => ({
    name: POD_ENV[key],
    valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: FIELD[key] } },
  }));

function probe(
  path: string,
  port: number,
  periodSeconds: number,
  failureThreshold: number,
  given: V1Probe | undefined,
): V1Probe {
  return {
    httpGet: { path, port, scheme: 'HTTP' },
    ...(given?.initialDelaySeconds && { initialDelaySeconds: given.initialDelaySeconds }),
    periodSeconds: given?.periodSeconds ?? periodSeconds,
    timeoutSeconds: given?.timeoutSeconds ?? 2,
    successThreshold: given?.successThreshold ?? 1,
    failureThreshold: given?.failureThreshold ?? failureThreshold,
  };
}

/** Pod Security `restricted`. The uid stays the image's or the pod's (OpenShift gives each namespace a range). */
function securityContext({ securityContext: pod }: V1PodSpec): V1SecurityContext {
  return {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    readOnlyRootFilesystem: true,
    runAsNonRoot: true,
    ...(pod?.runAsUser === 0 && { runAsUser: IMAGE_USER }),
    ...(pod?.runAsGroup === 0 && { runAsGroup: IMAGE_USER }),
    seccompProfile: { type: 'RuntimeDefault' },
  };
}
