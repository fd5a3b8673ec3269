/** A pod that is sent as a dry run, to see whether it comes back with the proxy. */
import type { V1Pod } from '@kubernetes/client-node';
import { INSTALL_NAMESPACE, PREFIX, WEBHOOK_ENTRY } from '../../webhook/names.ts';
import { hasSidecar } from '../enable/workload.ts';
import type { Cluster } from '../kube/client.ts';
import { apiStatusOf, toCliError } from '../kube/errors.ts';
import { canaryNamespace } from './canary-namespace.ts';
import { tryRead, valueOf } from './read.ts';
import type { Canary, Read } from './snapshot.ts';

/** The webhook is not asked about pods of these: it must not depend on itself. */
const EXCLUDED = ['kube-system', INSTALL_NAMESPACE];

/** Unknown where something else than the webhook refuses the pod: that says nothing about the webhook. */
export async function sendCanary(
  cluster: Cluster,
  wanted: string | undefined,
  signal: AbortSignal,
): Promise<Read<Canary>> {
  const namespace =
    wanted === undefined || EXCLUDED.includes(wanted)
      ? (valueOf(await tryRead('choose a namespace', () => canaryNamespace(cluster), signal)) ?? 'default')
      : wanted;
  let other: string | undefined;
  const read = await tryRead<Canary>(
    `create pods in namespace ${namespace} (as a dry run)`,
    async () => {
      try {
        const pod = await cluster.core.createNamespacedPod({ namespace, body: canaryPod, dryRun: 'All' });
        return { injected: hasSidecar(pod) };
      } catch (error) {
        const status = apiStatusOf(error);
        if (!status || status.message.startsWith('pods is forbidden')) throw error;
        // The namespace itself: a person has mistyped it.
        if (status.code === 404) throw toCliError(error);
        if (!status.message.includes(`"${WEBHOOK_ENTRY}"`)) other = status.message;
        return { injected: false, refusal: status.message };
      }
    },
    signal,
  );
  return other === undefined
    ? read
    : { unknown: `the canary pod was refused in namespace ${namespace}, not by the webhook: ${other}` };
}

/** As Pod Security "restricted" wants it. */
const canaryPod: V1Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    generateName: 'kubectl-mcp-canary-',
    annotations: { [`${PREFIX}inject`]: 'true', [`${PREFIX}port`]: '8080' },
  },
  spec: {
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'canary',
        image: 'canary',
        ports: [{ containerPort: 8080 }],
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { cpu: '10m', memory: '16Mi' } },
      },
    ],
  },
};
