/** Asks each replica of the webhook through a port-forward, over TLS: what it serves is seen where it is served. */
import type { X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { V1Pod } from '@kubernetes/client-node';
import { INSTALL_NAMESPACE, WEBHOOK_NAME } from '../../webhook/names.ts';
import { plain } from '../enable/read.ts';
import { isLive } from '../enable/workload.ts';
import type { Cluster } from '../kube/client.ts';
import { forwardPort } from '../kube/port-forward.ts';
import { tryRead } from './read.ts';
import type { Read, Replica, Values } from './snapshot.ts';

const PORT = 8443;
const LABELS = 'app.kubernetes.io/name=kubectl-mcp,app.kubernetes.io/component=webhook';
const ANSWER_TIMEOUT_MS = 5_000;
const MAX_CHAIN = 5;

export async function readReplicas(
  cluster: Cluster,
  signal: AbortSignal,
): Promise<Read<Values['webhookReplicas']>> {
  const namespace = INSTALL_NAMESPACE;
  const pods = await tryRead(
    `list pods in namespace ${namespace}`,
    async () => plain((await cluster.core.listNamespacedPod({ namespace, labelSelector: LABELS })).items),
    signal,
  );
  if ('unknown' in pods) return pods;
  const running = pods.value.filter((pod) => isLive(pod) && pod.status?.phase === 'Running');
  const asked = await Promise.all(running.map((pod) => ask(cluster, pod, signal)));
  if (asked.some((each) => 'fault' in each && /may not port-forward/.test(each.fault)))
    return { unknown: `no permission to create pods/portforward in namespace ${namespace}` };
  if (signal.aborted) return { unknown: `no answer in time from the pods of ${WEBHOOK_NAME}` };
  return { value: Object.fromEntries(running.map((pod, index) => [pod.metadata!.name!, asked[index]!])) };
}

async function ask(cluster: Cluster, pod: V1Pod, signal: AbortSignal): Promise<Replica> {
  const { name } = pod.metadata!;
  const forward = await forwardPort(cluster, { namespace: INSTALL_NAMESPACE, pod: name!, port: PORT });
  const over = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
  try {
    const ready = await get(forward.port, '/readyz', over);
    const metrics = await get(forward.port, '/metrics', over);
    const writes = /^kubectl_mcp_webhook_ca_bundle_writes_total (\d+)$/m.exec(metrics.text)?.[1];
    return {
      certificate: ready.certificate,
      ...(ready.status !== 200 && { unready: ready.text.trim() }),
      caBundleWrites: Number(writes ?? 0),
    };
  } catch (error) {
    const late = over.aborted ? `no answer in ${ANSWER_TIMEOUT_MS / 1000} s` : undefined;
    return { fault: forward.lastError()?.message ?? late ?? (error as Error).message };
  } finally {
    await forward.close();
  }
}

/** Whatever certificate it is: that is what is looked at. */
function get(port: number, path: string, signal: AbortSignal) {
  const { promise, resolve, reject } = Promise.withResolvers<{
    status: number;
    text: string;
    certificate: string;
  }>();
  const options = { host: '127.0.0.1', port, path, signal, agent: false, rejectUnauthorized: false };
  const sent = request({ ...options, headers: { connection: 'close' } }, (response) => {
    const certificate = chainOf((response.socket as TLSSocket).getPeerX509Certificate());
    response
      .setEncoding('utf8')
      .toArray()
      .then((chunks) => resolve({ status: response.statusCode ?? 0, text: chunks.join(''), certificate }))
      .catch(reject);
  });
  sent.on('error', reject).end();
  return promise;
}

/** With what the replica sends to prove it. */
function chainOf(leaf: X509Certificate | undefined): string {
  const chain: string[] = [];
  for (let at = leaf; at && chain.length < MAX_CHAIN; at = at.issuerCertificate) {
    if (chain.includes(String(at))) break;
    chain.push(String(at));
  }
  return chain.join('');
}
