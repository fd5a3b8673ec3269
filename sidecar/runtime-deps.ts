/** What a server of the pod is made of, and what the sidecar has of it then. Types only. */
import type { LineWriter } from './audit/line-writer.ts';
import type { PodFacts } from './audit/record.ts';
import type { InFlight } from './downstream/in-flight.ts';
import type { PodLoad } from './downstream/limits.ts';
import type { ListenServer, ListenTimeouts } from './downstream/listen-server.ts';
import type { McpHandlerDeps } from './downstream/mcp-handler.ts';
import type { Faults } from './faults.ts';
import type { ServerHealthSource } from './health.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { LegacyUpstream } from './upstream/legacy/legacy-upstream.ts';
import type { CreateLauncher } from './upstream/stdio/open-stdio.ts';

export interface SidecarDeps {
  readonly pod: PodFacts & { readonly ip: string };
  /** From KUBERNETES_SERVICE_HOST and _PORT. */
  readonly apiServer?: { readonly host: string; readonly port: number };
  /** Addresses that the ports are bound to; all of the pod's unless given. */
  readonly bindTo?: { readonly listen: string; readonly admin: string };
  /** Domain of the cluster's Services; `cluster.local` unless the pod's resolver says another. */
  readonly clusterDomain?: string;
  /** How long clients may take; the listen server's own unless a test cannot wait. */
  readonly timeouts?: ListenTimeouts;
  readonly audit: LineWriter;
  /** How bodies are read: strictly, unless a test shows what that is for. */
  readonly readMessage?: McpHandlerDeps['readMessage'];
  /** Where there is no pod: starts the commands of servers that speak stdio. */
  readonly launcher?: CreateLauncher | undefined;
  /** Events of the sidecar itself: name, and fields without secrets. */
  readonly log: Log;
}

export interface ServerRuntime extends ServerHealthSource {
  readonly listener: ListenServer;
  readonly port: number;
  /** Where clients of 2026-07-28 use a server of sessions. */
  readonly translated: () => ReturnType<LegacyUpstream['held']> | undefined;
  close(): void;
}

export interface RuntimeDeps extends SidecarDeps {
  readonly inFlight: InFlight;
  readonly metrics: Metrics;
  readonly clients: Set<object>;
  readonly faults: Faults;
  /** Where the pod has several servers. */
  readonly podLoad?: PodLoad;
}
