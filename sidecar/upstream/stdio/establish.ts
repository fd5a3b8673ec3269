/** The first process: which era the server speaks is found out with it, and it is the sidecar's own from then on. */
import { setTimeout as delay } from 'node:timers/promises';
import { MODERN_VERSION, text } from '../../client-message.ts';
import { members } from '../../json/members.ts';
import { asRecord } from '../../json/record.ts';
import { NotConnectedError, reasonOf } from '../connect-mcp.ts';
import type { HttpPool } from '../http-pool.ts';
import { CLIENT_INFO, LEGACY_VERSION, rpc, type Dialect, type RpcAnswer } from '../mcp-request.ts';
import { UpstreamError } from '../upstream-error.ts';
import type { Link } from './link.ts';
import { plain } from './plain-answer.ts';

export interface Established {
  readonly link: Link;
  readonly era: Dialect['era'];
  readonly version: string;
  readonly capabilities: Readonly<Record<string, unknown>>;
  /** What the server said to `initialize`. */
  readonly result?: Readonly<Record<string, unknown>>;
}

export interface EstablishOptions {
  /** @param isProbe its end at once says nothing */
  readonly open: (isProbe: boolean) => Promise<Link>;
  /** What those can be asked who have the process. */
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly startMs: number;
  /** As it was found before. */
  readonly known: Dialect['era'] | undefined;
}

/** Some servers say nothing to a request that comes before `initialize`: they are sent that as well. */
const SILENCE_MS = 2_000;
const MODERN: Dialect = { era: 'modern', version: MODERN_VERSION };

/**
 * `server/discover` decides where it offers 2026-07-28. A server that ends at it (rmcp does) has another process for
 * `initialize`; one that refuses it goes on with the same.
 * @throws {UpstreamError}
 */
export async function establish(options: EstablishOptions): Promise<Established> {
  const { open, known, startMs } = options;
  if (known === 'legacy') return initialize(await open(false), options);
  const link = await open(known === undefined);
  try {
    const discovered = rpc(poolOf(link), MODERN, 'server/discover', {}, { timeoutMs: startMs });
    // Whoever is asked later, its failing is looked at.
    discovered.catch(() => undefined);
    // One that is known to answer may still be starting: asked in two ways, it would have to be started anew, each time.
    const first =
      known === 'modern'
        ? await discovered
        : await Promise.race([discovered, delay(SILENCE_MS, 'silent' as const, { ref: false })]);
    if (first !== 'silent') return modernOf(link, first) ?? (await initialize(link, options));
    const second = await Promise.race([
      discovered.then((answer) => modernOf(link, answer)),
      initialize(link, options),
    ]);
    if (second?.era === 'legacy') return second;
    link.close('the server was asked in two ways');
    if (second) return await establish({ ...options, known: 'modern' });
  } catch (error) {
    link.close('the server has not begun');
    if (known === 'modern' || isStartFailure(error)) throw error;
  }
  return initialize(await open(false), options);
}

/** It would be the same with another process. */
const isStartFailure = (error: unknown): boolean =>
  error instanceof UpstreamError && ['crowded', 'refused'].includes(error.fault);

function modernOf(link: Link, { result }: RpcAnswer): Established | undefined {
  const versions = result?.['supportedVersions'];
  if (!Array.isArray(versions) || !versions.includes(MODERN_VERSION)) return undefined;
  return { link, era: 'modern', version: MODERN_VERSION, capabilities: asRecord(result?.['capabilities']) };
}

async function initialize(link: Link, options: EstablishOptions): Promise<Established> {
  const { capabilities, startMs } = options;
  const legacy: Dialect = { era: 'legacy', version: LEGACY_VERSION };
  const params = { protocolVersion: LEGACY_VERSION, capabilities, clientInfo: CLIENT_INFO };
  const pool = poolOf(link);
  try {
    const answer = await rpc(pool, legacy, 'initialize', params, { timeoutMs: startMs });
    const { result } = answer;
    if (!result) throw new NotConnectedError(`initialize was refused: ${reasonOf(answer)}`, answer);
    await rpc(pool, legacy, 'notifications/initialized', {}, { timeoutMs: startMs, notification: true });
    const version = result['protocolVersion'];
    return {
      link,
      era: 'legacy',
      version: typeof version === 'string' ? version : LEGACY_VERSION,
      capabilities: asRecord(result['capabilities']),
      result,
    };
  } catch (error) {
    link.close('the server has not begun');
    throw error;
  }
}

/** Requests of the sidecar's own on a process, of no session. */
export function poolOf(link: Link): HttpPool {
  return {
    send({ body = Buffer.alloc(0), headerLines }, events) {
      const top = members(body);
      const span = top.get('id');
      if (!span) {
        link.tell(body);
        return plain(events, 202);
      }
      return link.ask(body, events, {
        id: body.toString('utf8', span.start, span.end),
        method: text(body, top.get('method')) ?? '',
        isModern: headerLines.includes(MODERN_VERSION),
      });
    },
    close: () => undefined,
  };
}
