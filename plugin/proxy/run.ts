/** One run of the proxy on this machine: from its configuration to the last answered call. */
import { randomBytes, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { authWords } from '../../sidecar/auth/auth-config.ts';
import { LISTEN_PATH, type ServerConfig, type SidecarConfig } from '../../sidecar/config.ts';
import { createSidecar, type Bound, type Sidecar } from '../../sidecar/sidecar.ts';
import { createLocalLauncher } from '../../sidecar/upstream/stdio/local-launcher.ts';
import type { LineWriter } from '../../sidecar/audit/line-writer.ts';
import { CliError, usageError } from '../errors.ts';
import type { Deps } from '../deps.ts';
import { type Streams, writeLine } from '../streams.ts';
import { isLoopback, type Listen, LOOPBACK, urlOf } from './addresses.ts';
import { sentenceOf } from './events.ts';

export interface ProxyRun {
  readonly config: SidecarConfig;
  /** The port is the configuration's. */
  readonly host: string;
  readonly insecure: boolean;
  readonly json: boolean;
  readonly graceMs: number;
  readonly audit: LineWriter;
  readonly streams: Streams;
  /** What commands of servers are started with. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Resolves when the proxy shall stop. */
  readonly stopped: Promise<void>;
  readonly onUncaught: Deps['onUncaught'];
}

export const newSecret = (): string => randomBytes(16).toString('base64url');

export async function runProxy({ config, streams, audit, ...run }: ProxyRun): Promise<void> {
  checkExposure(config, run);
  const { err, out } = streams;
  const say = (text: string): void => writeLine(err, text);
  if (!isLoopback(run) && config.servers.some(({ auth, tls }) => auth.mode !== 'none' && !tls))
    say(
      'Warning: tokens cross the network in clear text; --tls-cert-file and --tls-private-key-file encrypt them',
    );
  let ready = false;
  /** The first line of stdout is the one with the URL. */
  const early: string[] = [];
  const upstreamOf = (name: unknown): string =>
    upstreamUrl(config.servers.find((each) => each.name === name));
  const sidecar = await createSidecar(config, {
    pod: { name: hostname(), namespace: 'default', uid: randomUUID(), node: hostname(), ip: '' },
    bindTo: { listen: run.host, admin: LOOPBACK },
    launcher: (command) => createLocalLauncher({ command, env: run.env }),
    audit: { ...audit, write: (line) => void (ready ? audit.write(line) : early.push(line)) },
    log(event, fields = {}) {
      const text = sentenceOf(event, fields, upstreamOf);
      // What was read at the start was as it should be, or the command has ended.
      if (text !== undefined && (ready || !event.endsWith('_loaded'))) say(text);
    },
  });
  try {
    const bound = await listen(sidecar, config, run.host);
    const urls = config.servers.map(({ tls }, index) =>
      urlOf({ host: run.host, port: bound.ports[index]! }, { tls: tls !== undefined, path: LISTEN_PATH }),
    );
    const admin = urlOf({ host: LOOPBACK, port: bound.adminPort });
    config.servers.forEach((server, index) =>
      say(
        `Proxying ${urls[index]} -> ${upstreamUrl(server)} (auth ${authWords(server.auth)}, health ${admin}/health)`,
      ),
    );
    if (run.json) writeLine(out, JSON.stringify({ url: urls[0], admin }));
    ready = true;
    early.forEach(audit.write);
    const broken = Promise.withResolvers<never>();
    run.onUncaught?.((error) => {
      if (sidecar.uncaught(error) === 'unsafe') broken.reject(error);
    });
    await Promise.race([run.stopped, broken.promise]);
    await stop(sidecar, run.graceMs, say);
  } catch (error) {
    await sidecar.close(0).catch(() => undefined);
    throw error;
  }
}

async function listen(sidecar: Sidecar, config: SidecarConfig, host: string): Promise<Bound> {
  try {
    return await sidecar.listen();
  } catch (error) {
    const { code, message, port } = error as NodeJS.ErrnoException & { port?: number };
    const isAdmin = port === config.adminPort && config.adminPort !== 0;
    const flag = isAdmin ? '--admin-port' : '--listen';
    const at = urlOf({ host: isAdmin ? LOOPBACK : host, port: port ?? 0 }).replace(/^http:\/\//, '');
    const words: Record<string, string> = {
      EADDRINUSE: `${at} is in use\nName another port with ${flag}, or 0 for a free one`,
      EADDRNOTAVAIL: `${host} is no address of this machine`,
      EACCES: `${at} may not be bound by this user: ports below 1024 need privileges`,
    };
    throw new CliError(`${flag}: ${words[code ?? ''] ?? message}`, { cause: error });
  }
}

/** Long enough for calls that end at once to say nothing. */
const QUIET_MS = 300;

async function stop(sidecar: Sidecar, graceMs: number, say: (text: string) => void): Promise<void> {
  const closed = sidecar.close(graceMs);
  const isClosed = await Promise.race([closed.then(() => true), delay(QUIET_MS, false, { ref: false })]);
  if (!isClosed) say(`Waiting up to ${graceMs / 1_000} s for calls under way; Ctrl-C ends them`);
  await closed;
}

/** @throws {CliError} when others on the network could call without being asked who they are. */
function checkExposure(
  { servers }: SidecarConfig,
  { host, insecure }: Pick<ProxyRun, 'host' | 'insecure'>,
): void {
  if (insecure || isLoopback({ host })) return;
  if (servers.every(({ auth }) => auth.mode !== 'none')) return;
  throw usageError(
    `--listen ${host || '0.0.0.0'} can be reached from other machines, and without authentication anyone there may call\nListen on 127.0.0.1, give --auth-token-file FILE, or say --insecure`,
  );
}

function upstreamUrl(server: ServerConfig | undefined): string {
  if (!server) return 'the upstream';
  const { upstream } = server;
  if (upstream.transport === 'stdio') return (upstream.command ?? [upstream.runDirectory]).join(' ');
  const { host = 'localhost', port, path, tls } = upstream;
  return urlOf({ host, port } satisfies Listen, { path, tls: tls !== undefined });
}
