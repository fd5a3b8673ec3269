/** The real sidecar on free ports of the loopback, in this process; its audit lines and events are kept. */
import { randomUUID } from 'node:crypto';
import { parseConfig, type SidecarConfigInput } from '../../../sidecar/config.ts';
import type { SidecarDeps } from '../../../sidecar/runtime-deps.ts';
import { createSidecar, type Sidecar } from '../../../sidecar/sidecar.ts';
import { TESTS_BUNDLES } from '../../bundles/programs.ts';
import { freePorts } from '../../conformance/ports.ts';
import { spawnSidecar } from './spawn-sidecar.ts';
import { waitFor } from './wait-for.ts';

type ServerInput = SidecarConfigInput['servers'][number];

export interface SidecarOptions {
  readonly upstreamPort: number;
  readonly upstreamPath?: string;
  /** A free one unless given. */
  readonly listenPort?: number;
  readonly upstream?: Partial<Exclude<ServerInput['upstream'], { transport: 'stdio' }>>;
  readonly auth?: ServerInput['auth'];
  readonly filter?: ServerInput['filter'];
  readonly policy?: ServerInput['policy'];
  readonly drain?: Partial<SidecarConfigInput['drain']>;
  readonly apiServer?: { readonly host: string; readonly port: number };
  readonly readMessage?: NonNullable<SidecarDeps['readMessage']>;
  readonly edge?: Pick<
    ServerInput,
    | 'authorization'
    | 'allowedHosts'
    | 'allowedOrigins'
    | 'publicUrl'
    | 'image'
    | 'pins'
    | 'tls'
    | 'trustedProxies'
    | 'limits'
    | 'mask'
  >;
  readonly timeouts?: NonNullable<SidecarDeps['timeouts']>;
  readonly pod?: { readonly namespace: string };
}

export interface TestSidecar {
  /** Where clients reach the server. */
  readonly url: string;
  readonly listenPort: number;
  readonly adminUrl: string;
  readonly drainPath: string;
  /** Audit records so far, parsed. */
  readonly audit: AuditRecord[];
  readonly events: { readonly event: string; readonly [field: string]: unknown }[];
  health(): Promise<Health>;
  /** The records of all that was answered are in `audit`: another process writes them a moment later. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- records are compared as a whole or in a field
export type AuditRecord = any;
// oxlint-disable-next-line typescript/no-explicit-any -- as above
export type Health = any;

export const POD = {
  name: 'pod-0',
  namespace: 'ns',
  uid: 'b1a1e5a0-4b1c-4d37-9a53-0f6f5f6d2c11',
  node: 'node-1',
};
export const DRAIN_PATH = '/drain/abcdefghijklmnop';

export async function startSidecar(options: SidecarOptions): Promise<TestSidecar> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(options);
    } catch (error) {
      // Another process may have taken a port that was free a moment ago.
      if (attempt === 3 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
}

async function start({
  upstreamPort,
  upstreamPath = '/mcp',
  auth = { mode: 'none' },
  ...options
}: SidecarOptions): Promise<TestSidecar> {
  const [free, adminPort] = (await freePorts(2)) as [number, number];
  const { listenPort = free } = options;
  const audit: AuditRecord[] = [];
  const events: TestSidecar['events'] = [];
  const text = JSON.stringify({
    version: 1,
    adminPort,
    drain: { path: DRAIN_PATH, endpointGraceMs: 0, timeoutMs: 10_000, ...options.drain },
    servers: [
      {
        name: 'tested',
        listenPort,
        upstream: {
          transport: 'streamable-http',
          port: upstreamPort,
          path: upstreamPath,
          ...options.upstream,
        },
        auth,
        ...(options.filter ? { filter: options.filter } : {}),
        ...(options.policy ? { policy: options.policy } : {}),
        ...options.edge,
      },
    ],
  });
  const pod = { ...POD, ip: '127.0.0.1', ...options.pod };
  const sinks = {
    audit: (line: string) => void audit.push(JSON.parse(line)),
    event: (event: string, fields: Record<string, unknown> = {}) => void events.push({ event, ...fields }),
  };
  // These two reach into it.
  const isProgram = TESTS_BUNDLES && !options.readMessage && !options.timeouts;
  const sidecar = isProgram
    ? await spawnSidecar(text, pod, options.apiServer, sinks)
    : await startHere(text, {
        pod,
        ...(options.apiServer ? { apiServer: options.apiServer } : {}),
        ...(options.readMessage ? { readMessage: options.readMessage } : {}),
        ...(options.timeouts ? { timeouts: options.timeouts } : {}),
        audit: {
          write: sinks.audit,
          dropped: () => 0,
          flush: () => Promise.resolve(),
        },
        log: sinks.event,
      });
  const adminUrl = `http://127.0.0.1:${adminPort}`;
  return {
    url: `http://127.0.0.1:${listenPort}/mcp`,
    listenPort,
    adminUrl,
    drainPath: DRAIN_PATH,
    audit,
    events,
    health: async () => (await fetch(`${adminUrl}/health`)).json(),
    settled: () => (isProgram ? settled(`http://127.0.0.1:${listenPort}/mcp`, audit) : Promise.resolve()),
    stop: () => sidecar.close(100),
  };
}

/** Records come in the order of their requests' ends: one more request, and its own record is taken out. */
async function settled(url: string, audit: AuditRecord[]): Promise<void> {
  const mark = randomUUID();
  await fetch(url, { method: 'PUT', headers: { 'user-agent': mark } });
  const at = (): number => audit.findIndex(({ source }) => source.extra?.user_agent === mark);
  await waitFor('the audit records', () => at() >= 0);
  audit.splice(at(), 1);
}

async function startHere(text: string, deps: SidecarDeps): Promise<Sidecar> {
  const sidecar = await createSidecar(parseConfig(text), deps);
  try {
    await sidecar.listen();
    return sidecar;
  } catch (error) {
    await sidecar.close(0).catch(() => undefined);
    throw error;
  }
}

/** Waits until the sidecar has found its server, or lost it. */
export function untilHealth(sidecar: TestSidecar, status: 'healthy' | 'degraded'): Promise<Health> {
  return waitFor(`health ${status}`, async () => {
    const health = await sidecar.health();
    return health.status === status && health;
  });
}

/** Waits for the audit record of a method, and checks that there is one. */
export function untilAudit(
  sidecar: TestSidecar,
  matches: (record: AuditRecord) => boolean,
): Promise<AuditRecord> {
  return waitFor('an audit record', () => sidecar.audit.find(matches));
}
