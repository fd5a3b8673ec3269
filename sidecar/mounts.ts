/** Directories that the sidecar reads while it runs, and how configuration names what fills them. */
import * as z from 'zod';

/** Where the webhook mounts what the sidecar alone may read. */
export const MOUNT = {
  /** Projected: `token` (audience of the API server), `ca.crt`. */
  kubernetes: '/var/run/kubectl-mcp/kubernetes',
  /** The Secret of `token-secret`: a file per caller. */
  tokens: '/var/run/kubectl-mcp/tokens',
  /** The Secret of `oidc-introspection-secret`: `client_id` and `client_secret`. */
  introspection: '/var/run/kubectl-mcp/introspection',
  /** The ConfigMap of `trusted-actors`: a file per actor. */
  trustedActors: '/var/run/kubectl-mcp/trusted-actors',
  /** The optional Secret `NAME-mcp-keys`: `session` holds the 32 bytes that replicas share. */
  keys: '/var/run/kubectl-mcp/keys',
  /** The Secret of `tls-secret`: `tls.crt` and `tls.key`. */
  tls: '/var/run/kubectl-mcp/tls',
  /** `ca.crt`: whom client certificates must be of. */
  clientAuthority: '/var/run/kubectl-mcp/client-authority',
  /** The ConfigMap of `policy`. */
  policy: '/var/run/kubectl-mcp/policy',
  /** The ConfigMap of `pins`. */
  pins: '/var/run/kubectl-mcp/pins',
  /** A file per header that the server is sent: name of the file is the header's. */
  upstreamHeaders: '/var/run/kubectl-mcp/upstream-headers',
  /** `ca.crt`: whom the certificate of the server must be of. */
  upstreamAuthority: '/var/run/kubectl-mcp/upstream-authority',
  /** The Secret of `upstream-token-secret`: `client_id` and `client_secret`. */
  upstreamToken: '/var/run/kubectl-mcp/upstream-token',
  /** The ConfigMap of `ca-configmap`. */
  outboundAuthority: '/var/run/kubectl-mcp/outbound-authority',
} as const;

export const directory = z.string().startsWith('/');

/**
 * Where the content of a mounted directory comes from, for messages: `secret/NAME`, `configmap/NAME` or `volume/NAME`;
 * `file/PATH` where there is no pod.
 */
export const sourceName = z
  .string()
  .regex(/^((secret|configmap|volume)\/\S+|file\/.+)$/, 'is secret/NAME, configmap/NAME or volume/NAME');

/** `secret/NAME` as it is said in a sentence: `Secret NAME`. */
export function sourceInWords(source: string): string {
  const [kind = ''] = source.split('/', 1);
  const words: Record<string, string> = { secret: 'Secret', configmap: 'ConfigMap' };
  return `${words[kind] ?? kind} ${source.slice(kind.length + 1)}`;
}
