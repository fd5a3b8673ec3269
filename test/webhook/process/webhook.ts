/** The webhook as a process of its own, and what an API server does with it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import type { RequestOptions } from 'node:https';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { issuerIn } from '../../../webhook/bundle.ts';
import { WEBHOOK_HOST } from '../../../webhook/stored-certificates.ts';
import { programOf } from '../../bundles/programs.ts';
import { plainPod, reviewOf } from '../reviews.ts';
import type { Answer } from '../reviews.ts';
import type { ApiServer } from './api-server.ts';

const MAIN = programOf('webhook');
const CLOCK = join(import.meta.dirname, 'moved-clock.ts');
/** As in manifests/install.yaml. */
export const FLAGS = ['--max-old-space-size=64', '--max-semi-space-size=2'];
/** So that a test does not wait for what takes ten seconds in a cluster. */
export const SYNC_MS = 200;

export type Line = { level: string; message: string; [field: string]: unknown };
export type Webhook = Awaited<ReturnType<typeof startWebhook>>;

export async function startWebhook(
  api: Pick<ApiServer, 'port' | 'accountDirectory'>,
  { env = {}, clockMs = 0 }: { env?: Record<string, string>; clockMs?: number } = {},
) {
  const child = spawn(process.execPath, [...FLAGS, '--import', CLOCK, MAIN], {
    env: {
      CLOCK_OFFSET_MS: `${clockMs}`,
      KUBECTL_MCP_IMAGE: 'image:1',
      KUBECTL_MCP_LISTEN_PORT: '0',
      KUBECTL_MCP_SYNC_SECONDS: `${SYNC_MS / 1000}`,
      KUBECTL_MCP_ACCOUNT_DIR: api.accountDirectory,
      KUBERNETES_SERVICE_HOST: 'localhost',
      KUBERNETES_SERVICE_PORT: `${api.port}`,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const lines: Line[] = [];
  assert.ok(child.stdout);
  createInterface(child.stdout).on('line', (text) => lines.push(JSON.parse(text) as Line));
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  const line = (message: string) => until(message, () => lines.find((each) => each.message === message));
  const { address } = await Promise.race([
    line('listening'),
    exited.then(([code]) => assert.fail(`the webhook ended with ${code}: ${JSON.stringify(lines)}`)),
  ]);
  return {
    port: (address as { port: number }).port,
    lines,
    line,
    exited,
    kill: (signal: NodeJS.Signals = 'SIGKILL') => child.kill(signal),
    setClock: (offsetMs: number) => child.send({ offsetMs }),
    /** Resident, without what is shared with files. */
    mebibytes: () => {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
    },
  };
}

/** Polls; what it waits for is named when it does not come. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(20)) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
  }
  throw new Error(`waited in vain: ${what}`);
}

export type Sent = {
  status: number;
  text: string;
  serial: string;
  pem: string;
  headers: NodeJS.Dict<string | string[]>;
};

/** By the Service's name; `ca` undefined believes anything, as the kubelet's probes do. */
export function send(
  port: number,
  path: string,
  { ca, body, ...options }: RequestOptions & { ca?: string | undefined; body?: string | Buffer } = {},
): Promise<Sent> {
  const { promise, resolve, reject } = Promise.withResolvers<Sent>();
  const sent = request(
    {
      host: '127.0.0.1',
      port,
      path,
      method: body === undefined ? 'GET' : 'POST',
      servername: WEBHOOK_HOST,
      agent: false,
      ...(ca === undefined ? { rejectUnauthorized: false } : { ca }),
      ...options,
      headers: { 'content-type': 'application/json', ...(options.headers as object) },
    },
    async (response) => {
      const certificate = (response.socket as TLSSocket).getPeerX509Certificate();
      response.once('error', reject);
      const text = (await response.setEncoding('utf8').toArray()).join('');
      resolve({
        status: response.statusCode ?? 0,
        text,
        serial: certificate?.serialNumber ?? '',
        pem: String(certificate),
        headers: response.headers,
      });
    },
  );
  sent.on('error', reject).end(body);
  return promise;
}

export const isReady = async (port: number): Promise<boolean> => (await send(port, '/readyz')).status === 200;
export const ready = (...webhooks: Webhook[]): Promise<unknown> =>
  Promise.all(webhooks.map(({ port }) => until('ready', () => isReady(port))));

const BODY = JSON.stringify(reviewOf(plainPod({ inject: 'true' })));

/** As the API server does it; throws what would refuse the pod. */
export async function review(
  port: number,
  ca: string | undefined,
  options: { agent?: Agent; body?: string } = {},
): Promise<Sent> {
  const answer = await send(port, '/inject', { body: BODY, ca, ...options });
  assert.equal(answer.status, 200, answer.text);
  const { response } = JSON.parse(answer.text) as Answer;
  assert.ok(response.allowed && response.patch);
  return answer;
}

/**
 * Reviews without a pause until it is stopped, over new connections and kept ones. A new connection must show a
 * certificate that every API server believes, one that learns of a new bundle a whole interval late, too.
 */
export function streamReviews(api: ApiServer, webhooks: readonly Webhook[]) {
  const kept = new Agent({ keepAlive: true });
  const failures: string[] = [];
  let count = 0;
  const over = new AbortController();
  const reviewOnce = async (port: number, agent: Agent | undefined): Promise<void> => {
    const { pem } = await review(port, undefined, agent && { agent });
    if (!agent && !api.bundlesOfLast(SYNC_MS).every((bundle) => issuerIn(bundle, pem)))
      failures.push('an API server does not know the CA yet, or any more');
  };
  const clients = webhooks.flatMap(({ port }) =>
    [kept, undefined].map(async (agent) => {
      // A start waits for nobody: nothing else was served.
      await sleep(SYNC_MS);
      for (; !over.signal.aborted; count++) {
        await reviewOnce(port, agent).catch((error: Error) => failures.push(error.message));
        await sleep(5);
      }
    }),
  );
  return {
    /** What failed, after so many reviews at least. */
    stop: async (atLeast: number): Promise<string[]> => {
      await until(`${atLeast} reviews`, () => count >= atLeast);
      over.abort();
      await Promise.all(clients);
      kept.destroy();
      return failures;
    },
  };
}
