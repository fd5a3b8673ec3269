/**
 * What the kubelet would ask a server of the pod, asked for it on the loopback: the answer's status is passed on, and
 * no byte of its content. It sees what the kubelet would see: one redirect after another on the same server, any
 * certificate.
 */
import { get, type IncomingMessage, type RequestOptions } from 'node:http';
import { connect } from 'node:net';
import type { Writable } from 'node:stream';
import type { RelayedProbe } from './loopback-config.ts';

/** On the admin port; `CONTAINER/KIND` follows. */
export const PROBE_PATH = '/probe/';

export interface Asked {
  readonly userAgent: string | undefined;
  /** When it closes, nobody waits for the answer any more: the kubelet's own time-out ends it. */
  readonly until: Writable;
}

export interface Answer {
  readonly status: number;
  /** For who asks by hand. */
  readonly text: string;
}

/** Undefined where there is no such probe. */
export type ProbeRelay = (key: string, asked: Asked) => Promise<Answer> | undefined;

const ADDRESSES = ['127.0.0.1', '::1'];
/** As many as the kubelet follows. */
const MAX_REDIRECTS = 10;

export const createProbeRelay =
  (probes: Readonly<Record<string, RelayedProbe>>): ProbeRelay =>
  (key, { userAgent, until }) => {
    const probe = Object.hasOwn(probes, key) ? probes[key] : undefined;
    if (!probe) return undefined;
    const ended = new AbortController();
    until.once('close', () => ended.abort());
    const ask = (host: string): Promise<Answer> =>
      probe.httpGet
        ? getStatus(probe, { host, userAgent, signal: ended.signal })
        : dial(host, probe.port, ended.signal);
    return ask(ADDRESSES[0]!)
      .catch((error: NodeJS.ErrnoException) =>
        error.code === 'ECONNREFUSED' ? ask(ADDRESSES[1]!) : Promise.reject(error),
      )
      .catch((error: NodeJS.ErrnoException) => ({
        status: 502,
        text: `port ${probe.port} on the loopback: ${error.code ?? error.message}`,
      }));
  };

const dial = (host: string, port: number, signal: AbortSignal): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal });
    socket.once('connect', () => {
      socket.destroy();
      resolve({ status: 200, text: 'connected' });
    });
    socket.once('error', reject);
  });

type Target = { host: string; userAgent: string | undefined; signal: AbortSignal };

async function getStatus(
  { port, httpGet }: RelayedProbe,
  { host, userAgent, signal }: Target,
): Promise<Answer> {
  // The default of the kubelet's own client, and what the probe says after that.
  const headers: Record<string, string> = { accept: '*/*', ...(userAgent && { 'user-agent': userAgent }) };
  for (const { name, value } of httpGet?.httpHeaders ?? []) headers[name.toLowerCase()] = value;
  const isTls = httpGet?.scheme === 'HTTPS';
  const origin = `${isTls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  let path = httpGet?.path || '/';
  if (!path.startsWith('/')) path = `/${path}`;
  for (let left = MAX_REDIRECTS; ; left--) {
    const { statusCode: status = 502, headers: answered } = await request(isTls, {
      host,
      port,
      path,
      headers,
      agent: false,
      signal,
    });
    const next = status >= 300 && status < 400 && answered.location;
    const url = next && URL.canParse(next, origin + path) ? new URL(next, origin + path) : undefined;
    // One that leads elsewhere counts as success, for the kubelet too.
    if (!url || url.origin !== origin || left === 0) return { status, text: `the server answered ${status}` };
    path = url.pathname + url.search;
  }
}

async function request(isTls: boolean, options: RequestOptions): Promise<IncomingMessage> {
  const start = isTls ? (await import('node:https')).get : get;
  return new Promise((resolve, reject) => {
    start({ ...options, rejectUnauthorized: false } as RequestOptions, (response) => {
      response.once('error', () => undefined).destroy();
      resolve(response);
    }).once('error', reject);
  });
}
