/** A client and a server, directly and through the sidecar: what differs. */
import { isDeepStrictEqual } from 'node:util';
import { startSidecar, untilHealth } from '../sidecar/wire/start-sidecar.ts';
import { LEGACY_CLIENT, MODERN_CLIENT, SSE_CLIENT, type MatrixClient } from './clients/clients.ts';
import type { MatrixServer } from './servers/servers.ts';
import type { Feature, Outcome, Seen, Step } from './steps.ts';

export interface Difference {
  readonly feature: Feature | 'connect';
  readonly direct: Outcome;
  readonly proxied: Outcome;
}

export interface Cell {
  readonly client: string;
  readonly server: string;
  /** Between the client and the sidecar. */
  readonly version: string;
  readonly differences: readonly Difference[];
}

export interface Bench {
  direct(client: MatrixClient): Promise<Seen>;
  cell(client: MatrixClient): Promise<Cell>;
  stop(): Promise<void>;
}

const REFUSED = { error: -32602 };

/** A server with the sidecar in front of it. */
export async function setUp(server: MatrixServer): Promise<Bench> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const each of stops.splice(0)) await each();
  };
  try {
    const alone = server.overHttp ?? server;
    const { port, stop: stopServer } = await alone.start();
    stops.unshift(stopServer);
    const sidecar = server.overHttp === undefined ? await sidecarOf(server, port) : undefined;
    stops.unshift(async () => sidecar?.stop());
    const directly = new Map<MatrixClient, Promise<Seen>>();
    const direct = (client: MatrixClient): Promise<Seen> => {
      const known = directly.get(client) ?? client.run(`http://127.0.0.1:${port}${alone.path}`, server.steps);
      directly.set(client, known);
      return known;
    };
    return {
      direct,
      async cell(client) {
        const expected = await direct(baselineOf(client, alone));
        // A process of stdio may be all clients': what one of them has changed is not for the next to find.
        const front: Front = sidecar ?? (await server.start());
        try {
          await front.ready?.();
          const url = `http://127.0.0.1:${front.port}${client.path ?? '/mcp'}`;
          return await compare({ client, server, expected }, client.run(url, server.steps));
        } finally {
          if (front !== sidecar) await front.stop();
        }
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What clients are sent to. */
interface Front {
  readonly port: number;
  readonly ready?: () => Promise<unknown>;
  stop(): Promise<void>;
}

async function sidecarOf({ path, transport, denied }: MatrixServer, upstreamPort: number): Promise<Front> {
  if (transport === 'stdio') throw new Error('a server of stdio is started by what is in front of it');
  const sidecar = await startSidecar({
    upstreamPort,
    upstreamPath: path,
    upstream: { transport },
    filter: { denyTools: [denied] },
  });
  return { port: sidecar.listenPort, ready: () => untilHealth(sidecar, 'healthy'), stop: sidecar.stop };
}

/** Who says what the server does: the client itself where it can be connected to it. */
export function baselineOf(client: MatrixClient, server: MatrixServer): MatrixClient {
  const { transports = ['streamable-http'], eras } = client;
  const { transport } = server;
  if (
    transport !== 'stdio' &&
    transports.includes(transport) &&
    eras.some((era) => server.eras.includes(era))
  )
    return client;
  if (server.transport === 'sse') return SSE_CLIENT;
  return server.eras.includes('legacy') ? LEGACY_CLIENT : MODERN_CLIENT;
}

async function compare(
  { client, server, expected }: { client: MatrixClient; server: MatrixServer; expected: Seen },
  running: Promise<Seen>,
): Promise<Cell> {
  const names = { client: client.name, server: server.name };
  let seen: Seen;
  try {
    seen = await running;
  } catch (error) {
    const refused = { feature: 'connect', direct: {}, proxied: { error: (error as Error).message } } as const;
    return { ...names, version: '', differences: [refused] };
  }
  const differences = server.steps
    .map((step) => ({
      step,
      feature: step.feature,
      direct: allowed(step, expected.outcomes.get(step.feature) ?? {}, server),
      proxied: picked(step, seen.outcomes.get(step.feature) ?? {}),
    }))
    .filter(({ step, direct, proxied }) => !same(direct, proxied, { step, client }))
    .map(({ feature, direct, proxied }) => ({ feature, direct, proxied }));
  return { ...names, version: seen.version, differences };
}

/** What is left of it behind the filter, to which an unknown tool is one that it does not allow. */
function allowed(step: Step, direct: Outcome, { denied }: MatrixServer): Outcome {
  const { feature } = step;
  if (feature === 'denied tool' || feature === 'unknown tool') return REFUSED;
  if (feature !== 'tools') return picked(step, direct);
  const { names } = picked(step, direct);
  return { names: (names as string[]).filter((name) => name !== denied) };
}

function picked({ picks, ignores }: Step, outcome: Outcome): Outcome {
  const { text, names } = outcome;
  if (ignores !== undefined && Array.isArray(names))
    return { names: (names as string[]).filter((name) => name !== ignores) };
  return picks && typeof text === 'string' ? { ...outcome, text: picks.exec(text)?.[0] ?? text } : outcome;
}

/** A revision without the feature has nothing to compare; a missing resource has a code of its own in each. */
function same(
  direct: Outcome,
  proxied: Outcome,
  { step, client }: { step: Step; client: MatrixClient },
): boolean {
  if (direct['none'] === true || proxied['none'] === true) return true;
  const missing = [-32002, -32602];
  if ([direct, proxied].every(({ error }) => missing.includes(error as number))) return true;
  if (isDeepStrictEqual(direct, proxied)) return true;
  const { progress: before = [], ...answer } = direct;
  const { progress: now = [], ...given } = proxied;
  if (step.feature !== 'progress' || !isDeepStrictEqual(answer, given)) return false;
  if (step.shows.test(JSON.stringify(now))) return true;
  // Some clients drop what comes together with the answer: how much of it is chance.
  const [complete, begun] = [before, now] as [number[], number[]];
  return client.losesProgress === true && isDeepStrictEqual(complete.slice(0, begun.length), begun);
}

/** Steps of which a client that talks to the server directly does not see what it should. */
export function unseen(steps: readonly Step[], { outcomes }: Seen): string[] {
  return steps
    .filter(({ feature, shows }) => !shows.test(JSON.stringify(outcomes.get(feature))))
    .map(({ feature }) => `${feature}: ${JSON.stringify(outcomes.get(feature))}`);
}
