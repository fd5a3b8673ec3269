/** The webhook's process: settings, certificate, server, trust; stops when told to. */
import { once } from 'node:events';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { ACCOUNT_DIRECTORY, inClusterApi } from './api.ts';
import { createKeeper } from './certificate-keeper.ts';
import { currentCertificates } from './certificates.ts';
import { createEventWriter } from './event-writer.ts';
import { createForesight } from './foresight.ts';
import { createLog } from './log.ts';
import { createMetrics } from './metrics.ts';
import { installNames } from './names.ts';
import { createWebhookServer } from './server.ts';

const settingsSchema = z.object({
  KUBECTL_MCP_IMAGE: z.string({ error: 'is not set: the image of the sidecar, the same as this one' }).min(1),
  KUBECTL_MCP_IMAGE_PULL_POLICY: z.enum(['Always', 'IfNotPresent', 'Never']).default('IfNotPresent'),
  /** Beside the default webhook: part of the names of what is its own. */
  KUBECTL_MCP_REVISION: z.string().min(1).optional(),
  KUBECTL_MCP_LISTEN_PORT: z.coerce.number().pipe(z.int().min(0).max(65535)).default(8443),
  /** tls.crt and tls.key from another, who writes the caBundle, too; the webhook then only reads. */
  KUBECTL_MCP_CERT_DIR: z.string().min(1).optional(),
  /** How often certificate and webhook configuration are looked at: someone's hand may have changed them. */
  KUBECTL_MCP_SYNC_SECONDS: z.coerce.number().positive().max(60).default(10),
  KUBECTL_MCP_ACCOUNT_DIR: z.string().min(1).default(ACCOUNT_DIRECTORY),
  KUBERNETES_SERVICE_HOST: z.string({ error: 'is not set: the webhook runs in a pod' }),
  KUBERNETES_SERVICE_PORT: z.coerce.number().default(443),
});

const RETRY_MS = 1_000;
/** From "not ready" until no node sends new connections; the pod leaves its Service meanwhile. */
const WITHDRAW_MS = 5_000;
/** For connections that the API server keeps: it uses the latest first, and each ends with its next answer. */
const LINGER_MS = 3_000;

const log = createLog((line) => console.log(line));

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
  const names = installNames(settings.KUBECTL_MCP_REVISION);
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort(signal));
  const metrics = createMetrics();
  const api = inClusterApi({
    host: settings.KUBERNETES_SERVICE_HOST,
    port: settings.KUBERNETES_SERVICE_PORT,
    accountDirectory: settings.KUBECTL_MCP_ACCOUNT_DIR,
  });
  // Alive before the API server answers: an outage of it must not become a back-off of ours.
  const provisional = await currentCertificates({}, names.host, new Date());
  const injection = {
    image: settings.KUBECTL_MCP_IMAGE,
    imagePullPolicy: settings.KUBECTL_MCP_IMAGE_PULL_POLICY,
  };
  const server = createWebhookServer({
    tls: { cert: provisional['tls.crt'], key: provisional['tls.key'] },
    settings: injection,
    metrics,
    foresee: createForesight({ api, settings: injection, log }),
    unready: () => (stop.signal.aborted ? 'stopping' : keeper.fault()),
    isStopping: () => stop.signal.aborted,
    record: createEventWriter({ api, instance: hostname(), log, metrics }),
    log,
  });
  const keeper = createKeeper({
    api,
    now: () => new Date(),
    log,
    metrics,
    directory: settings.KUBECTL_MCP_CERT_DIR,
    names,
    serve: ({ cert, key }) => server.setSecureContext({ cert, key }),
  });
  server.listen(settings.KUBECTL_MCP_LISTEN_PORT, () =>
    log('info', 'listening', { address: server.address() }),
  );
  const intervalMs = settings.KUBECTL_MCP_SYNC_SECONDS * 1000;
  const looking = (async () => {
    while (!stop.signal.aborted) {
      await keeper.look();
      const pauseMs = keeper.fault() === undefined ? intervalMs : Math.min(RETRY_MS, intervalMs);
      await sleep(pauseMs, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  })();
  if (!stop.signal.aborted) await once(stop.signal, 'abort');
  log('info', 'stopping', { signal: stop.signal.reason });
  await sleep(WITHDRAW_MS);
  const getConnections = promisify(server.getConnections.bind(server));
  const lingerUntil = Date.now() + LINGER_MS;
  while ((await getConnections()) > 0 && Date.now() < lingerUntil) await sleep(100);
  // Ends idle connections, waits for answers that are under way.
  server.close(() => log('info', 'stopped'));
  await looking;
}
