/** Which annotations are flags of the proxy on this machine, and what stands in for the others. */
import { ANNOTATION_KEYS, ANNOTATIONS, type AnnotationKey } from '../../webhook/annotations.ts';
import { flagOf } from '../enable/annotation-flags.ts';

/** What the pod gives, or a Secret or ConfigMap of its namespace: here a flag of another name says it. */
export const INSTEAD: Partial<Record<AnnotationKey, string>> = {
  port: '--upstream',
  path: '--upstream',
  upstream: '--upstream',
  'upstream-ca-secret': '--upstream-certificate-authority',
  'upstream-ca-configmap': '--upstream-certificate-authority',
  'listen-port': '--listen',
  'token-secret': '--auth-token-file',
  'token-volume': '--auth-token-file',
  'oidc-introspection-secret': '--oidc-introspection-file',
  policy: '--policy-file',
  pins: '--pins-file',
  'mtls-ca-secret': '--client-ca-file',
  'mtls-ca-configmap': '--client-ca-file',
  'tls-secret': '--tls-cert-file',
  'upstream-headers-secret': '--upstream-headers-file',
  'upstream-headers-volume': '--upstream-headers-file',
  'upstream-token-secret': '--upstream-token-file',
  'ca-configmap': '--outbound-certificate-authority',
};

/** They are about the pod around the proxy, or about its cluster. */
export const OF_PODS: readonly AnnotationKey[] = [
  'inject',
  'container',
  'command',
  'command-image',
  'startup-seconds',
  'lockdown',
  'loopback-env',
  'loopback-args',
  'audience',
  'authorization',
  'allow-principals',
  'verify',
  'trusted-actors',
];

/** A new annotation is a flag unless it is named above. */
export const FLAG_KEYS: readonly AnnotationKey[] = ANNOTATION_KEYS.filter(
  (key) => !Object.hasOwn(INSTEAD, key) && !OF_PODS.includes(key),
);

/** Flags that say another thing than the annotation does. */
const DOCS: Partial<Record<AnnotationKey, string>> = {
  name: 'Name of the server in audit lines and metrics. Default: "local".',
  auth: 'Who may call: holders of a token of --auth-token-file, of one of an OpenID provider, of a client certificate of --client-ca-file, or anyone. Value: a comma list of "token", "oidc" and "mtls", or "none". Default: "token" with --auth-token-file, else "none".',
  audit:
    'Where the audit line of each call goes. Value: "stdout", "none" or file:PATH, which is appended to. Default: "stdout".',
  'admin-port': 'The port for metrics and details of health, on 127.0.0.1. Default: a free one.',
};

export function describeFlag(key: AnnotationKey): string {
  const { doc, allowed } = ANNOTATIONS[key];
  return DOCS[key] ?? `${doc.replaceAll('`', '"')} Value: ${allowed}.`;
}

/** What the webhook says about annotations, about flags. */
export const inFlags = (text: string): string =>
  text.replaceAll(
    /kubectl-mcp\.dev\/([a-z-]+)(?:: "((?:[^"\\]|\\.)*)")?/g,
    (_, key: string, value?: string) =>
      `${INSTEAD[key as AnnotationKey] ?? `--${flagOf(key as AnnotationKey)}`}${value === undefined ? '' : `="${value}"`}`,
  );
