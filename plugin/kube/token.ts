/** Tokens of service accounts, minted for one workload. */
import type { Cluster } from './client.ts';

export interface TokenRequest {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly audience: string;
  /** The API server takes 600 seconds at the least; ours live an hour at the most. */
  readonly expirationSeconds?: number;
}

const MIN_SECONDS = 600;
const MAX_SECONDS = 3_600;

/** By the TokenRequest API, with the user's own right to `create serviceaccounts/token`. */
export async function mintToken(cluster: Cluster, request: TokenRequest): Promise<string> {
  const { namespace, serviceAccount, audience, expirationSeconds = MIN_SECONDS } = request;
  const answer = await cluster.core.createNamespacedServiceAccountToken({
    namespace,
    name: serviceAccount,
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        audiences: [audience],
        expirationSeconds: Math.min(MAX_SECONDS, Math.max(MIN_SECONDS, expirationSeconds)),
      },
    },
  });
  if (!answer.status?.token) throw new Error(`no token for serviceaccount/${serviceAccount} in the answer`);
  return answer.status.token;
}
