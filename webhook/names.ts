/** Names that the webhook gives to things in a pod or beside a workload; users and the plugin meet them. */
import type { V1Pod } from '@kubernetes/client-node';

export const PREFIX = 'kubectl-mcp.dev/';
/** The native sidecar, an init container with `restartPolicy: Always`. */
export const SIDECAR_CONTAINER = 'mcp-proxy';
export const VOLUME = {
  kubernetes: 'kubectl-mcp-kubernetes',
  tokens: 'kubectl-mcp-tokens',
  trustedActors: 'kubectl-mcp-trusted-actors',
  introspection: 'kubectl-mcp-introspection',
  keys: 'kubectl-mcp-keys',
  tls: 'kubectl-mcp-tls',
  clientAuthority: 'kubectl-mcp-client-authority',
  policy: 'kubectl-mcp-policy',
  pins: 'kubectl-mcp-pins',
  upstreamHeaders: 'kubectl-mcp-upstream-headers',
  upstreamAuthority: 'kubectl-mcp-upstream-authority',
  upstreamToken: 'kubectl-mcp-upstream-token',
  outboundAuthority: 'kubectl-mcp-outbound-authority',
} as const;
/** Init container that puts the supervisor of stdio servers into the pod. */
export const BIN_CONTAINER = 'mcp-bin';
/** Volumes of pods with stdio servers: programs for their containers, and the pipes between these and the proxy. */
export const STDIO_VOLUME = { bin: 'kubectl-mcp-bin', run: 'kubectl-mcp-run' } as const;
/** Volumes of which each server of a pod has its own: the name ends with the server's. */
const PER_SERVER = [
  VOLUME.tokens,
  VOLUME.trustedActors,
  VOLUME.introspection,
  VOLUME.tls,
  VOLUME.clientAuthority,
  VOLUME.policy,
  VOLUME.pins,
  VOLUME.upstreamHeaders,
  VOLUME.upstreamAuthority,
  VOLUME.upstreamToken,
  VOLUME.outboundAuthority,
];
/** Of one server, or of a server without a name. */
export const volumeName = (key: keyof typeof VOLUME, server?: string): string =>
  server === undefined ? VOLUME[key] : `${VOLUME[key]}-${server}`;
export const runVolumeName = (server?: string): string =>
  server === undefined ? STDIO_VOLUME.run : `${STDIO_VOLUME.run}-${server}`;
export const isStdioVolume = ({ name }: { name: string }): boolean =>
  name === STDIO_VOLUME.bin || name === STDIO_VOLUME.run || name.startsWith(`${STDIO_VOLUME.run}-`);
export const isOurVolume = ({ name }: { name: string }): boolean =>
  (Object.values(VOLUME) as string[]).includes(name) ||
  isStdioVolume({ name }) ||
  PER_SERVER.some((each) => name.startsWith(`${each}-`));
/** The installation: one namespace, one Deployment, Service, Secret and webhook configuration. */
export const INSTALL_NAMESPACE = 'kubectl-mcp-system';
export const WEBHOOK_NAME = 'kubectl-mcp-webhook';
/** Name of the MutatingWebhookConfiguration, and of its one webhook. */
export const WEBHOOK_CONFIGURATION = 'kubectl-mcp';
export const WEBHOOK_ENTRY = 'inject.kubectl-mcp.dev';
/** Of namespaces: which of several installed webhooks is asked about their pods; of that webhook's objects, too. */
export const REVISION_LABEL = `${PREFIX}revision`;
/** The webhooks of the ValidatingWebhookConfiguration, which has the same name. */
export const WORKLOADS_ENTRY = 'workloads.kubectl-mcp.dev';
export const POLICIES_ENTRY = 'policies.kubectl-mcp.dev';
/** Label of ConfigMaps that are to be read as policies before they are stored. */
export const POLICY_LABEL = `${PREFIX}policy`;
export const FIELD_MANAGER = 'kubectl-mcp';

/** Names of one installed webhook: the default, or a revision beside it. */
export interface InstallNames {
  /** Deployment, Service, Secret, and all that is the webhook's alone. */
  readonly webhook: string;
  /** Of its webhook configurations. */
  readonly configuration: string;
  /** By which the API server calls it. */
  readonly host: string;
}

export function installNames(revision?: string): InstallNames {
  const suffix = revision === undefined ? '' : `-${revision}`;
  const webhook = WEBHOOK_NAME + suffix;
  return {
    webhook,
    configuration: WEBHOOK_CONFIGURATION + suffix,
    host: `${webhook}.${INSTALL_NAMESPACE}.svc`,
  };
}

/** Secret with the key that replicas of one workload share; optional. */
export const keysSecretName = (name: string): string => `${name}-mcp-keys`;
/** Secret that `kubectl mcp enable --auth token` makes: a key per caller. */
export const tokensSecretName = (name: string): string => `${name}-mcp-tokens`;
/** ConfigMap that `kubectl mcp pin` writes: of a workload, or of one of its servers. */
export const pinsConfigMapName = (name: string, server?: string): string =>
  server === undefined ? `${name}-mcp-pins` : `${name}-${server}-mcp-pins`;
/** NetworkPolicy that `kubectl mcp enable` makes. */
export const networkPolicyName = (name: string): string => `${name}-mcp`;
export const egressPolicyName = (workload: string): string => `${networkPolicyName(workload)}-egress`;
/**
 * The audience of a workload's own, or of one of the servers that annotations name in it; tokens for another are
 * refused. As a path, a server's name can be taken for no workload's.
 */
export const audienceOf = (name: string, namespace: string, server?: string): string =>
  `https://${name}.${namespace}.mcp.kubectl-mcp.dev${server === undefined ? '' : `/${server}`}`;
/** What the sidecar calls a server: in audit lines, metrics and `/health`. */
export const serverTitle = (workload: string, server?: string): string =>
  server === undefined ? workload : `${workload}/${server}`;

/**
 * The workload's name as a pod shows it: the annotation `name`, or the owner's name without its pod-template-hash,
 * or the pod's own.
 */
export function workloadNameOf(pod: V1Pod): string {
  const { annotations, labels, ownerReferences, name, generateName } = pod.metadata ?? {};
  const given = annotations?.[`${PREFIX}name`];
  if (given) return given;
  const owner = ownerReferences?.find((each) => each.controller) ?? ownerReferences?.[0];
  const hash = labels?.['pod-template-hash'];
  const found = owner?.name || name || generateName?.replace(/-$/, '') || 'pod';
  return owner?.kind === 'ReplicaSet' && hash && found.endsWith(`-${hash}`)
    ? found.slice(0, -hash.length - 1)
    : found;
}
