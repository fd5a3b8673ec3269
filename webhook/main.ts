/** The webhook's process: settings, certificate, server, trust; stops when told to. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { inClusterApi } from './api.ts';
import type { CertificateData } from './certificates.ts';
import { createWebhookServer } from './server.ts';
import { ensureTrust, loadCertificates } from './trust.ts';

const settingsSchema = z.object({
  KUBECTL_MCP_IMAGE: z.string({ error: 'is not set: the image of the sidecar, the same as this one' }).min(1),
  KUBECTL_MCP_IMAGE_PULL_POLICY: z.enum(['Always', 'IfNotPresent', 'Never']).default('IfNotPresent'),
  KUBECTL_MCP_LISTEN_PORT: z.coerce.number().pipe(z.int().min(0).max(65535)).default(8443),
  KUBERNETES_SERVICE_HOST: z.string({ error: 'is not set: the webhook runs in a pod' }),
  KUBERNETES_SERVICE_PORT: z.coerce.number().default(443),
});

/** How often Secret and configuration are looked at: another replica, or someone's hand, may have changed them. */
const TRUST_INTERVAL_MS = 10_000;
const TRUST_RETRY_MS = 1_000;
/** From "not ready" until no API server sends more; endpoints are withdrawn meanwhile. */
const WITHDRAW_MS = 3_000;

const log = (level: 'info' | 'error', message: string, fields: object = {}): void =>
  console.log(JSON.stringify({ time: new Date().toISOString(), level, message, ...fields }));

const servingPair = (data: CertificateData) => ({ cert: data['tls.crt'], key: data['tls.key'] });

await main().catch((error: Error) => {
  log('error', 'start failed', { detail: error.message });
  process.exitCode = 1;
});

async function main(): Promise<void> {
  const parsed = settingsSchema.safeParse(process.env);
  if (!parsed.success) {
    throw new Error(parsed.error.issues.map((each) => `${each.path.join('.')} ${each.message}`).join('; '));
  }
  const settings = parsed.data;
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort(signal));
  const api = inClusterApi(settings.KUBERNETES_SERVICE_HOST, settings.KUBERNETES_SERVICE_PORT);
  let certificates = await loadCertificates(api, () => new Date());
  let trusted = false;
  const server = createWebhookServer({
    tls: servingPair(certificates),
    settings: { image: settings.KUBECTL_MCP_IMAGE, imagePullPolicy: settings.KUBECTL_MCP_IMAGE_PULL_POLICY },
    isReady: () => trusted && !stop.signal.aborted,
    log,
  });
  server.listen(settings.KUBECTL_MCP_LISTEN_PORT, () =>
    log('info', 'listening', { address: server.address() }),
  );
  while (!stop.signal.aborted) {
    try {
      const next = await loadCertificates(api, () => new Date());
      if (next['tls.crt'] !== certificates['tls.crt']) {
        server.setSecureContext(servingPair(next));
        log('info', 'certificate replaced');
      }
      certificates = next;
      const state = await ensureTrust(api, certificates);
      if (!trusted || state === 'written') log('info', 'trusted', { caBundle: state });
      trusted = true;
    } catch (error) {
      log('error', 'cannot look after certificate and webhook configuration', {
        detail: (error as Error).message,
      });
    }
    const pauseMs = trusted ? TRUST_INTERVAL_MS : TRUST_RETRY_MS;
    await sleep(pauseMs, undefined, { signal: stop.signal }).catch(() => undefined);
  }
  log('info', 'stopping', { signal: stop.signal.reason });
  await sleep(WITHDRAW_MS);
  server.close();
  server.closeIdleConnections();
}
