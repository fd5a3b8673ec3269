import { accessGauges } from './access/access-gauges.ts';
import type { LineWriter } from './audit/line-writer.ts';
import type { InFlight } from './downstream/in-flight.ts';
import { listenGauges } from './downstream/listen-gauges.ts';
import type { Faults } from './faults.ts';
import type { Gauge } from './metrics.ts';
import { pinsGauges } from './pins/pins-report.ts';
import type { ServerRuntime } from './runtime-deps.ts';

/** What is read when the metrics are asked for, beside what was counted. */
export function gauges(
  servers: readonly ServerRuntime[],
  inFlight: InFlight,
  { activeClients, audit, faults }: { activeClients: number; audit: LineWriter; faults: Faults },
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
    ...kindGauges(servers),
    ...policyGauges(servers),
    ...pinsGauges(servers),
    ...accessGauges(servers),
    ...listenGauges(servers),
    ...headerGauges(servers),
    ...translationGauges(servers),
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
    {
      name: 'kubectl_mcp_internal_errors_total',
      help: 'Exceptions of the proxy, by what they have ended.',
      type: 'counter' as const,
      values: Object.entries(faults.counts()).map(([of, value]) => ({ labels: { of }, value })),
    },
  ];
}

/** None where nothing has been translated. */
function translationGauges(servers: readonly ServerRuntime[]): Gauge[] {
  const held = servers.flatMap(({ name, translated }) => {
    const found = translated();
    return found ? [{ labels: { server: name }, ...found }] : [];
  });
  if (held.length === 0) return [];
  return [
    {
      name: 'kubectl_mcp_parked_calls',
      help: 'Calls that wait for what the server has asked their clients.',
      values: held.map(({ labels, calls }) => ({ labels, value: calls })),
    },
    {
      name: 'kubectl_mcp_upstream_sessions',
      help: 'Sessions with the server for clients that have none.',
      values: held.map(({ labels, sessions }) => ({ labels, value: sessions })),
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
function kindGauges(servers: readonly ServerRuntime[]): Gauge[] {
  const values = servers.flatMap(({ name, authKinds }) =>
    (authKinds?.() ?? []).map(({ kind, isReady }) => ({
      labels: { server: name, kind },
      value: Number(isReady),
    })),
  );
  const help = 'Of several kinds of credentials: whether it can tell its callers apart.';
  return values.length > 0 ? [{ name: 'kubectl_mcp_auth_kind_ready', help, values }] : [];
}

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
