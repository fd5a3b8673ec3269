import type { Authenticator } from './auth/authenticator.ts';
import type { AccessStatus } from './access/access-gauges.ts';
import type { CatalogueState } from './upstream/catalogue.ts';
import type { DecideTool } from './filter/decide-tool.ts';
import type { Listening } from './listening.ts';
import type { PinsStatus } from './pins/pins.ts';
import { pinsReport, type PinsReport } from './pins/pins-report.ts';
import { OVERRIDES_RULE } from './overrides/compile-overrides.ts';
import type { OverrideView } from './overrides/override-view.ts';
import type { PolicyStatus } from './filter/tool-rules.ts';
import { stdioReport, type StdioHealth, type StdioReport } from './upstream/stdio/stdio-health.ts';
import type { Transport } from './upstream/transport-choice.ts';
import type { WatchedHeaders } from './upstream/watch-headers.ts';
import { VERSION } from './version.ts';

export interface ServerHealthSource {
  readonly name: string;
  readonly catalogue: () => CatalogueState;
  readonly transport?: () => Transport | undefined;
  readonly decide: () => DecideTool | undefined;
  /** Whether more than that decides on tools, for each caller. */
  readonly perCaller?: () => boolean;
  /** What keeps callers from being told apart. */
  readonly authProblem: () => string | undefined;
  /** The same of some callers, where there are several kinds. */
  readonly authProblems?: () => readonly string[];
  /** Which of several kinds can tell callers apart. */
  readonly authKinds?: Authenticator['kinds'];
  /** Of static tokens: which version of them was read last. */
  readonly tokensRevision?: (() => string | undefined) | undefined;
  readonly policy?: PolicyStatus;
  /** What overrides of tools come to; undefined while there are none. */
  readonly overrides?: () => OverrideView | undefined;
  readonly pins?: PinsStatus;
  /** Every tool as the server has it now, for who pins them. */
  readonly definitions?: () => Promise<unknown[]>;
  /** Where the API server is asked who may call what. */
  readonly access?: AccessStatus;
  /** Checks that are switched off. */
  readonly warnings: readonly string[];
  /** Of the listen port, where it has TLS. */
  readonly tls?: TlsStatus | undefined;
  readonly upstreamHeaders?: Pick<WatchedHeaders, 'lines' | 'problem'>;
  readonly upstreamTls?: { problem(): string | undefined };
  /** The ways to token endpoints and providers, and what they give. */
  readonly upstreamToken?: { problem(): string | undefined };
  readonly outbound?: { problem(): string | undefined };
  readonly listening?: () => Listening | undefined;
  readonly stdio?: () => StdioHealth;
}

export interface TlsStatus {
  /** Why what the files hold now is not in use. */
  problem(): string | undefined;
  /** Of the certificate in use; undefined when there is none, and no client can connect. */
  notAfter(): Date | undefined;
}

/** Answer of `/health` on the admin port to a peer on the loopback. */
export interface HealthDetails {
  readonly status: 'healthy' | 'degraded';
  readonly version: string;
  readonly backends_configured: number;
  readonly backends_connected: number;
  readonly active_clients: number;
  /** Number of tools that callers see; at most, where a server decides for each of them. */
  readonly tools: number;
  readonly servers: readonly ServerHealth[];
}

export interface ServerHealth {
  readonly name: string;
  readonly connected: boolean;
  /** The one in use; absent until it is known. */
  readonly transport?: Transport;
  readonly era?: 'modern' | 'legacy';
  readonly protocol_version?: string;
  /** Why it is not connected, or callers cannot be told apart. */
  readonly error?: string;
  /** Why the API server does not say who may call what. */
  readonly access_error?: string;
  /** What is not as it was meant, whether calls go on or not. */
  readonly problems?: readonly string[];
  /** Rules, scopes or Roles decide for each caller, who may see fewer tools than are allowed here. */
  readonly per_caller?: true;
  /** Checks that are switched off. */
  readonly warnings?: readonly string[];
  /** When the certificate of the listen port expires. */
  readonly tls_not_after?: string;
  /** Revision of the policy file in force. */
  readonly policy?: string;
  /** What is pinned, and which tools are not as they are. */
  readonly pins?: PinsReport;
  /** Revision of the static tokens as they were read last; empty while they cannot be read. */
  readonly tokens?: string;
  /** Where the server itself listens; absent when it does not, or that is not known. */
  readonly listening?: Listening;
  /** Of a server that speaks stdio: its processes. */
  readonly stdio?: StdioReport;
  readonly tools: readonly {
    readonly name: string;
    /** What callers know it by, where that is not its own name. */
    readonly shown?: string;
    readonly allowed: boolean;
    readonly rule: string;
    readonly readOnly: boolean;
    readonly destructive: boolean;
  }[];
}

export function healthDetails(servers: readonly ServerHealthSource[], activeClients: number): HealthDetails {
  const each = servers.map(serverHealth);
  const connected = each.filter((server) => server.connected).length;
  return {
    status: isHealthy(servers) ? 'healthy' : 'degraded',
    version: VERSION,
    backends_configured: servers.length,
    backends_connected: connected,
    active_clients: activeClients,
    tools: each.flatMap((server) => server.tools.filter((tool) => tool.allowed)).length,
    servers: each,
  };
}

export const isHealthy = (servers: readonly ServerHealthSource[]): boolean =>
  servers.every((server) => server.catalogue().connected && refusesAll(server) === undefined);

/** Why every call is refused, if it is. */
function refusesAll({
  authProblem,
  policy,
  access,
  pins,
  tls,
  upstreamHeaders,
}: ServerHealthSource): string | undefined {
  return (
    authProblem() ??
    (policy && policy.revision() === undefined ? policy.problem() : undefined) ??
    (pins && pins.revision() === undefined ? pins.problem() : undefined) ??
    access?.problem() ??
    (tls && tls.notAfter() === undefined ? tls.problem() : undefined) ??
    (upstreamHeaders && upstreamHeaders.lines() === undefined ? upstreamHeaders.problem() : undefined)
  );
}

function serverHealth(source: ServerHealthSource): ServerHealth {
  const { name, catalogue, authProblem, policy, access, pins, warnings, tls, upstreamHeaders, upstreamTls } =
    source;
  const decide = source.decide();
  const { connected, era, version, error, tools } = catalogue();
  const problem = connected ? refusesAll(source) : error;
  const overridden = source.overrides?.();
  const problems = [
    ...(source.authProblems?.() ?? [authProblem()]),
    ...[policy, access, pins, tls, upstreamHeaders, upstreamTls, source.upstreamToken, source.outbound].map(
      (each) => each?.problem(),
    ),
    ...(overridden?.problems ?? []),
  ].filter((each) => each !== undefined);
  const unasked = access?.problem();
  const revision = policy?.revision();
  const notAfter = tls?.notAfter();
  const listening = source.listening?.();
  const transport = source.transport?.();
  return {
    name,
    connected,
    ...(transport ? { transport } : {}),
    ...(era ? { era } : {}),
    ...(version ? { protocol_version: version } : {}),
    ...(problem ? { error: problem } : {}),
    ...(unasked ? { access_error: unasked } : {}),
    ...(problems.length > 0 ? { problems } : {}),
    ...(warnings.length > 0 ? { warnings } : {}),
    ...(notAfter ? { tls_not_after: notAfter.toISOString() } : {}),
    ...(source.perCaller?.() ? { per_caller: true as const } : {}),
    ...(revision ? { policy: revision } : {}),
    ...(pins ? { pins: pinsReport(pins) } : {}),
    ...(source.tokensRevision ? { tokens: source.tokensRevision() ?? '' } : {}),
    ...(listening ? { listening } : {}),
    ...(source.stdio ? { stdio: stdioReport(source.stdio()) } : {}),
    tools: [...(tools?.values() ?? [])].map((tool) => {
      const decided = decide?.(tool) ?? { allowed: true, rule: 'default' };
      const blocked = decided.allowed
        ? overridden?.hidden.has(tool.name)
          ? OVERRIDES_RULE
          : pins?.ruleOf(tool.name, tool.pin)
        : undefined;
      const shown = overridden?.shown.get(tool.name);
      const { allowed, rule } = blocked === undefined ? decided : { allowed: false, rule: blocked };
      return {
        name: tool.name,
        ...(shown === undefined ? {} : { shown }),
        allowed,
        rule,
        readOnly: tool.readOnly,
        destructive: tool.destructive,
      };
    }),
  };
}
