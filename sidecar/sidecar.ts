import { once } from 'node:events';
import type { Server as NetServer } from 'node:net';
import { createAdminServer } from './admin.ts';
import type { LineWriter } from './audit/line-writer.ts';
import type { SidecarConfig } from './config.ts';
import { createInFlight, type InFlight } from './downstream/in-flight.ts';
import { listenGauges } from './downstream/listen-gauges.ts';
import { createDrain } from './drain.ts';
import { healthDetails, isHealthy } from './health.ts';
import { createMetrics, type Gauge } from './metrics.ts';
import { createServerRuntime, type ServerRuntime, type SidecarDeps } from './server-runtime.ts';

export interface Sidecar {
  /** Resolves when every port is bound; the admin port last, so that a probe that succeeds means that all are. */
  listen(): Promise<void>;
  /** Waits for the calls under way, without the grace for endpoints: the preStop hook has given it. */
  close(timeoutMs: number): Promise<void>;
}

export async function createSidecar(config: SidecarConfig, deps: SidecarDeps): Promise<Sidecar> {
  const inFlight = createInFlight();
  const metrics = createMetrics();
  const clients = new Set<object>();
  const servers = await Promise.all(
    config.servers.map((server) => createServerRuntime(server, { ...deps, inFlight, metrics, clients })),
  );
  const { drain } = createDrain(inFlight, {
    ...config.drain,
    closeIdleConnections: () => servers.forEach(({ listener }) => listener.http.closeIdleConnections()),
  });
  const admin = createAdminServer({
    drainPath: config.drain.path,
    draining: () => inFlight.draining,
    drain: () => {
      deps.log('drain_started', { calls: inFlight.calls() });
      return drain().then((result) => {
        deps.log('drain_ended', result);
        return result;
      });
    },
    healthStatus: () => (isHealthy(servers) ? 'healthy' : 'degraded'),
    healthDetails: () => healthDetails(servers, clients.size),
    metrics: () => metrics.render(gauges(servers, inFlight, clients.size, deps.audit)),
  });

  return {
    async listen() {
      const failed = (port: number, error: string): void => deps.log('accept_failed', { port, error });
      for (const { listener, port } of servers) await bind(listener.http, port, failed);
      await bind(admin, config.adminPort, failed);
      deps.log('listening', {
        admin_port: config.adminPort,
        servers: servers.map(({ name, port }) => ({ name, port })),
      });
    },
    async close(timeoutMs) {
      inFlight.startDraining();
      const timer = setTimeout(
        () => servers.forEach(({ listener }) => listener.http.closeAllConnections()),
        timeoutMs,
      );
      for (const { response } of inFlight.streams()) response.end();
      await Promise.all(
        servers.map(({ listener }) => new Promise((resolve) => listener.http.close(resolve))),
      );
      clearTimeout(timer);
      admin.closeAllConnections();
      admin.close();
      for (const server of servers) server.close();
      await deps.audit.flush();
    },
  };
}

/** @param failed is told of connections that could not be taken: without file descriptors, the next may be */
async function bind(
  server: NetServer,
  port: number,
  failed: (port: number, error: string) => void,
): Promise<void> {
  server.listen(port);
  await once(server, 'listening');
  server.on('error', (error) => failed(port, error.message));
}

function gauges(
  servers: readonly ServerRuntime[],
  inFlight: InFlight,
  activeClients: number,
  audit: LineWriter,
) {
  const perServer = (value: (server: ServerRuntime) => number) =>
    servers.map((server) => ({ labels: { server: server.name }, value: value(server) }));
  return [
    {
      name: 'kubectl_mcp_server_connected',
      help: 'Whether the server answers.',
      values: perServer(({ catalogue }) => Number(catalogue().connected)),
    },
    {
      name: 'kubectl_mcp_server_tools',
      help: 'Tools that the server has.',
      values: perServer(({ catalogue }) => catalogue().tools?.size ?? 0),
    },
    {
      name: 'kubectl_mcp_auth_ready',
      help: 'Whether callers can be told apart; all are refused when not.',
      values: perServer(({ authProblem }) => Number(authProblem() === undefined)),
    },
    ...policyGauges(servers),
    ...listenGauges(servers),
    ...headerGauges(servers),
    { name: 'kubectl_mcp_calls_in_flight', help: 'Calls under way.', values: [{ value: inFlight.calls() }] },
    {
      name: 'kubectl_mcp_streams',
      help: 'Open listen streams.',
      values: [{ value: inFlight.streams().length }],
    },
    {
      name: 'kubectl_mcp_active_clients',
      help: 'Connections that carried an MCP request.',
      values: [{ value: activeClients }],
    },
    {
      name: 'kubectl_mcp_audit_dropped_total',
      help: 'Audit lines lost.',
      type: 'counter' as const,
      values: [{ value: audit.dropped() }],
    },
  ];
}

/** None where no headers for the server are configured. */
function headerGauges(servers: readonly ServerRuntime[]): Gauge[] {
  const values = servers.flatMap(({ name, upstreamHeaders }) =>
    upstreamHeaders
      ? [{ labels: { server: name }, value: Number(upstreamHeaders.problem() === undefined) }]
      : [],
  );
  const help = 'Whether the headers for the server as they are now are sent.';
  return values.length > 0 ? [{ name: 'kubectl_mcp_upstream_headers_valid', help, values }] : [];
}

/** None where no policy file is configured. */
function policyGauges(servers: readonly ServerRuntime[]): Gauge[] {
  const policies = servers.flatMap(({ name, policy }) => (policy ? [{ server: name, policy }] : []));
  if (policies.length === 0) return [];
  return [
    {
      name: 'kubectl_mcp_policy_valid',
      help: 'Whether the policy file as it is now is in force.',
      values: policies.map(({ server, policy }) => ({
        labels: { server },
        value: Number(policy.problem() === undefined),
      })),
    },
    {
      name: 'kubectl_mcp_policy_info',
      help: 'Revision of the policy file in force.',
      values: policies.flatMap(({ server, policy }) => {
        const revision = policy.revision();
        return revision ? [{ labels: { server, revision }, value: 1 }] : [];
      }),
    },
    {
      name: 'kubectl_mcp_policy_reloads_total',
      help: 'Policy files seen, by what became of them.',
      type: 'counter',
      values: policies.flatMap(({ server, policy }) =>
        Object.entries(policy.reloads()).map(([result, value]) => ({ labels: { server, result }, value })),
      ),
    },
  ];
}
