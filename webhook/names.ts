/** Names that the webhook gives to things in a pod or beside a workload; users and the plugin meet them. */
import type { V1Pod } from '@kubernetes/client-node';

export const PREFIX = 'kubectl-mcp.dev/';
/** The native sidecar, an init container with `restartPolicy: Always`. */
export const SIDECAR_CONTAINER = 'mcp-proxy';
export const VOLUME = {
  kubernetes: 'kubectl-mcp-kubernetes',
  tokens: 'kubectl-mcp-tokens',
  keys: 'kubectl-mcp-keys',
  tls: 'kubectl-mcp-tls',
  policy: 'kubectl-mcp-policy',
  upstreamHeaders: 'kubectl-mcp-upstream-headers',
} as const;
/** The installation: one namespace, one Deployment, Service, Secret and webhook configuration. */
export const INSTALL_NAMESPACE = 'kubectl-mcp-system';
export const WEBHOOK_NAME = 'kubectl-mcp-webhook';
/** Name of the MutatingWebhookConfiguration, and of its one webhook. */
export const WEBHOOK_CONFIGURATION = 'kubectl-mcp';
export const WEBHOOK_ENTRY = 'inject.kubectl-mcp.dev';
export const FIELD_MANAGER = 'kubectl-mcp';

/** Secret with the key that replicas of one workload share; optional. */
export const keysSecretName = (name: string): string => `${name}-mcp-keys`;
/** Secret that `kubectl mcp enable --auth token` makes: a key per caller. */
export const tokensSecretName = (name: string): string => `${name}-mcp-tokens`;
/** NetworkPolicy that `kubectl mcp enable` makes. */
export const networkPolicyName = (name: string): string => `${name}-mcp`;
/** The audience of a workload's own; tokens for another workload are refused. */
export const audienceOf = (name: string, namespace: string): string =>
  `https://${name}.${namespace}.mcp.kubectl-mcp.dev`;

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
