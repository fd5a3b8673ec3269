import type { HttpUpstream, ServerConfig } from '../config.ts';
import { listeningOn, type Listening } from '../listening.ts';
import type { Upstream } from '../exchange.ts';
import type { Log } from '../log.ts';
import type { OutboundDoor } from '../outbound/open-outbound.ts';
import { createHttpPool } from './http-pool.ts';
import type { CatalogueTool } from './list-tools.ts';
import { placeOf } from './place.ts';
import type { CreateLauncher } from './stdio/open-stdio.ts';
import type { StdioHealth } from './stdio/stdio-health.ts';
import type { TlsOpener } from './tls-opener.ts';
import type { UpstreamToken } from './token/open-token.ts';
import { createTransportChoice, type TransportChoice } from './transport-choice.ts';
import { openTls } from './upstream-tls.ts';
import type { WatchedHeaders } from './watch-headers.ts';

/** The way to one server, and what it needs. */
export interface OpenedUpstream {
  readonly choice: TransportChoice;
  readonly headers?: WatchedHeaders;
  readonly tls?: TlsOpener;
  readonly token?: UpstreamToken;
  readonly stdio?: () => StdioHealth;
  /** Stands before the server where it cannot see what a server over HTTP looks at. */
  readonly gate?: (passed: Upstream, toolNamed: (name: string) => CatalogueTool | undefined) => Upstream;
  listening(): Listening | undefined;
  close(): void;
}

export interface OpenUpstreamDeps {
  readonly podIp: string;
  /** Where there is no pod: starts the command of a server that speaks stdio. */
  readonly launcher?: CreateLauncher | undefined;
  readonly log: Log;
  /** To token endpoints. */
  readonly outbound: OutboundDoor;
  /** Whether the server may still be starting. */
  readonly starting: () => boolean;
  readonly faulted: (error: unknown) => void;
}

export async function openUpstream(server: ServerConfig, deps: OpenUpstreamDeps): Promise<OpenedUpstream> {
  const { upstream: target } = server;
  const { log, starting, faulted } = deps;
  if (target.transport === 'stdio') {
    const { openStdio } = await import('./stdio/open-stdio.ts');
    const choice = await openStdio(target, deps);
    const { modernGate } = await import('./stdio/modern-gate.ts');
    return {
      choice,
      gate: modernGate,
      stdio: choice.health,
      listening: () => undefined,
      close: choice.close,
    };
  }
  const headers = await openHeaders(target, log);
  const tls = await openTls(target, log);
  const http = createHttpPool({
    ...placeOf(target, deps.podIp),
    requestTimeoutMs: target.requestTimeoutMs,
    ...(headers ? { addedHeaders: headers.lines } : {}),
    ...(tls ? { open: tls.open } : {}),
    faulted,
  });
  const token = await openToken(server.name, target, deps);
  const choice = createTransportChoice(token?.over(http) ?? http, target, { starting, faulted });
  return {
    choice,
    ...(headers ? { headers } : {}),
    ...(tls ? { tls } : {}),
    ...(token ? { token } : {}),
    listening: () => (target.host === undefined ? listeningOn(target.port) : undefined),
    close() {
      headers?.close();
      tls?.close();
      token?.close();
      choice.close();
      http.close();
    },
  };
}

async function openHeaders(
  { headers, forwardHeaders, token }: HttpUpstream,
  log: Log,
): Promise<WatchedHeaders | undefined> {
  if (!headers) return undefined;
  const { watchHeaders } = await import('./watch-headers.ts');
  return watchHeaders({ headers, forwardHeaders, token }, log);
}

async function openToken(
  server: string,
  { token }: HttpUpstream,
  { outbound, log, faulted }: OpenUpstreamDeps,
): Promise<UpstreamToken | undefined> {
  if (!token) return undefined;
  const { openUpstreamToken } = await import('./token/open-token.ts');
  return openUpstreamToken(token, { server, outbound, log, faulted });
}
