import type { CatalogueState } from './upstream/catalogue.ts';
import type { DecideTool } from './filter/decide-tool.ts';
import { VERSION } from './version.ts';

export interface ServerHealthSource {
  readonly name: string;
  readonly catalogue: () => CatalogueState;
  readonly decide: DecideTool | undefined;
  /** What keeps callers from being told apart. */
  readonly authProblem: () => string | undefined;
}

/** Answer of `/health` on the admin port to a peer on the loopback. */
export interface HealthDetails {
  readonly status: 'healthy' | 'degraded';
  readonly version: string;
  readonly backends_configured: number;
  readonly backends_connected: number;
  readonly active_clients: number;
  /** Number of tools that callers see. */
  readonly tools: number;
  readonly servers: readonly ServerHealth[];
}

export interface ServerHealth {
  readonly name: string;
  readonly connected: boolean;
  readonly era?: 'modern' | 'legacy';
  readonly protocol_version?: string;
  /** Why it is not connected, or callers cannot be told apart. */
  readonly error?: string;
  readonly tools: readonly {
    readonly name: string;
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
  servers.every(({ catalogue, authProblem }) => catalogue().connected && authProblem() === undefined);

function serverHealth({ name, catalogue, decide, authProblem }: ServerHealthSource): ServerHealth {
  const { connected, era, version, error, tools } = catalogue();
  const problem = connected ? authProblem() : error;
  return {
    name,
    connected,
    ...(era ? { era } : {}),
    ...(version ? { protocol_version: version } : {}),
    ...(problem ? { error: problem } : {}),
    tools: [...(tools?.values() ?? [])].map((tool) => {
      const { allowed, rule } = decide?.(tool) ?? { allowed: true, rule: 'default' };
      return { name: tool.name, allowed, rule, readOnly: tool.readOnly, destructive: tool.destructive };
    }),
  };
}
