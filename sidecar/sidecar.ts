import { once } from 'node:events';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { createAdminServer } from './admin.ts';
import type { SidecarConfig } from './config.ts';
import { createInFlight } from './downstream/in-flight.ts';
import { createPodLoad } from './downstream/limits.ts';
import { createDrain } from './drain.ts';
import { createFaults } from './faults.ts';
import { gauges } from './gauges.ts';
import { healthDetails, isHealthy } from './health.ts';
import { createMetrics } from './metrics.ts';
import { readDefinitions } from './pins/read-definitions.ts';
import { createProbeRelay } from './probe-relay.ts';
import type { SidecarDeps } from './runtime-deps.ts';
import { createServerRuntime } from './server-runtime.ts';

export interface Sidecar {
  /** Resolves when every port is bound; the admin port last, so that a probe that succeeds means that all are. */
  listen(): Promise<Bound>;
  /** Waits for the calls under way, without the grace for endpoints: the preStop hook has given it. */
  close(timeoutMs: number): Promise<void>;
  /** Told of what nobody has caught. `unsafe`: nobody knows what it has left half done, and the process should end. */
  uncaught(error: unknown): 'safe' | 'unsafe';
}

/** Where a port of the configuration is 0, the one that was free. */
export interface Bound {
  readonly adminPort: number;
  readonly ports: readonly number[];
}

/** What was ended last leaves in this time. */
const LAST_BYTES_MS = 200;

export async function createSidecar(config: SidecarConfig, deps: SidecarDeps): Promise<Sidecar> {
  const inFlight = createInFlight();
  const metrics = createMetrics();
  const faults = createFaults(deps.log);
  const clients = new Set<object>();
  const all = config.servers;
  const shared = {
    ...deps,
    inFlight,
    metrics,
    clients,
    faults,
    ...(all.length > 1 && { podLoad: createPodLoad(all.map(({ limits }) => limits)) }),
  };
  const servers = await Promise.all(all.map((server) => createServerRuntime(server, shared)));
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
    definitions: () => readDefinitions(servers),
    metrics: () =>
      metrics.render(gauges(servers, inFlight, { activeClients: clients.size, audit: deps.audit, faults })),
    ...(config.loopback && { probe: createProbeRelay(config.loopback.probes) }),
  });

  return {
    async listen() {
      const failed = (port: number, error: string): void => deps.log('accept_failed', { port, error });
      const ports: number[] = [];
      for (const { listener, port } of servers)
        ports.push(await bind(listener.http, { port, host: deps.bindTo?.listen }, failed));
      const adminPort = await bind(admin, { port: config.adminPort, host: deps.bindTo?.admin }, failed);
      deps.log('listening', {
        admin_port: adminPort,
        servers: servers.map(({ name }, index) => ({ name, port: ports[index] })),
      });
      return { adminPort, ports };
    },
    async close(timeoutMs) {
      inFlight.startDraining();
      const cut = (): void => servers.forEach(({ listener }) => listener.http.closeAllConnections());
      const timers = [setTimeout(cut, timeoutMs)];
      for (const { response } of inFlight.streams()) response.end();
      // Clients open their streams anew, on connections that they have: those are not waited for.
      void inFlight.idle().then(() => timers.push(setTimeout(cut, LAST_BYTES_MS)));
      await Promise.all(
        servers.map(({ listener }) => new Promise((resolve) => listener.http.close(resolve))),
      );
      timers.forEach(clearTimeout);
      admin.closeAllConnections();
      admin.close();
      for (const server of servers) server.close();
      await deps.audit.flush();
    },
    uncaught: faults.uncaught,
  };
}

/** @param failed is told of connections that could not be taken: without file descriptors, the next may be */
async function bind(
  server: NetServer,
  { port, host }: { port: number; host: string | undefined },
  failed: (port: number, error: string) => void,
): Promise<number> {
  server.listen(port, host);
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;
  server.on('error', (error) => failed(bound, error.message));
  return bound;
}
