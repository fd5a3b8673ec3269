/** The log of a pod's proxy, as the kubelet sends it. */
import http from 'node:http';
import https from 'node:https';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { SIDECAR_CONTAINER } from '../../webhook/names.ts';
import type { Cluster } from '../kube/client.ts';
import { VERSION } from '../version.ts';

export interface LogRequest {
  readonly namespace: string;
  readonly pod: string;
  /** Of the run of the container before this one. */
  readonly previous?: boolean;
  readonly follow?: boolean;
  readonly sinceMs?: number;
}

/** What the API server answered instead of a log. */
export class LogFault extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'LogFault';
    this.status = status;
  }
}

/**
 * Read as fast as it is taken, with the time of the runtime before each line. client-node's own `Log` has no way to
 * tell that a stream broke.
 * @throws {LogFault} or an error of the connection
 */
export async function* podLog(
  cluster: Cluster,
  request: LogRequest,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const response = await open(cluster, request, signal);
  if (response.statusCode !== 200)
    throw new LogFault(response.statusCode ?? 0, messageIn(await text(response)));
  yield* response as AsyncIterable<Buffer>;
}

async function open(
  { config, server }: Cluster,
  { namespace, pod, previous, follow, sinceMs }: LogRequest,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const url = new URL(
    `${server.replace(/\/$/, '')}/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/log`,
  );
  url.searchParams.set('container', SIDECAR_CONTAINER);
  url.searchParams.set('timestamps', 'true');
  if (previous) url.searchParams.set('previous', 'true');
  if (follow) url.searchParams.set('follow', 'true');
  // The API takes whole seconds; what is before is left out by who reads.
  if (sinceMs !== undefined)
    url.searchParams.set('sinceTime', new Date(sinceMs).toISOString().replace(/\.\d+Z$/, 'Z'));
  const options: https.RequestOptions = { signal, headers: { 'User-Agent': `kubectl-mcp/${VERSION}` } };
  await config.applyToHTTPSOptions(options as never);
  if (url.protocol === 'http:') delete options.agent;
  return new Promise((resolve, reject) => {
    const client = url.protocol === 'http:' ? http : https;
    client.get(url, options, resolve).on('error', reject);
  });
}

function messageIn(body: string): string {
  try {
    return String((JSON.parse(body) as { message?: unknown }).message ?? body);
  } catch {
    return body.slice(0, 400);
  }
}
