/** A client and a server, directly and through the sidecar: what differs. */
import { isDeepStrictEqual } from 'node:util';
import { startSidecar, untilHealth, type TestSidecar } from '../sidecar/wire/start-sidecar.ts';
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
  const { port, stop } = await server.start();
  let sidecar: TestSidecar;
  try {
    sidecar = await startSidecar({
      upstreamPort: port,
      upstreamPath: server.path,
      upstream: { transport: server.transport },
      filter: { denyTools: [server.denied] },
    });
  } catch (error) {
    await stop();
    throw error;
  }
  const directly = new Map<MatrixClient, Promise<Seen>>();
  const direct = (client: MatrixClient): Promise<Seen> => {
    const known = directly.get(client) ?? client.run(`http://127.0.0.1:${port}${server.path}`, server.steps);
    directly.set(client, known);
    return known;
  };
  return {
    direct,
    async cell(client) {
      await untilHealth(sidecar, 'healthy');
      const expected = await direct(baselineOf(client, server));
      return compare(
        { client, server, expected },
        client.run(`http://127.0.0.1:${sidecar.listenPort}${client.path ?? '/mcp'}`, server.steps),
      );
    },
    async stop() {
      await sidecar.stop();
      await stop();
    },
  };
}

/** Who says what the server does: the client itself where it can be connected to it. */
export function baselineOf(client: MatrixClient, server: MatrixServer): MatrixClient {
  const { transports = ['streamable-http'], eras } = client;
  if (transports.includes(server.transport) && eras.some((era) => server.eras.includes(era))) return client;
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
