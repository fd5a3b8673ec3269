/** The suite against the reference server, direct and through the sidecar, check by check. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createReferenceServer, type Eras } from './reference/server.ts';
import { createTaskServer } from './reference/task-server.ts';
import { startSidecar, type RunningSidecar } from './sidecar.ts';
import { runSuite, runTaskScenarios } from './suite.ts';
import type { Check, Checks, SpecVersion } from './suite.ts';

export interface Difference {
  key: string;
  direct: Check;
  sidecar: Check;
}

export interface Comparison {
  specVersion: SpecVersion;
  direct: Checks;
  sidecar: Checks;
  differences: Difference[];
}

/** Runs both; the server and the sidecar are fresh for each run. */
export async function compare(specVersion: SpecVersion): Promise<Comparison> {
  const direct = await withServer('both', (port) => runSuite(`http://127.0.0.1:${port}/mcp`, specVersion));
  const sidecar = await throughSidecar('both', specVersion);
  return { specVersion, direct, sidecar, differences: differencesOf(direct, sidecar) };
}

/** The scenarios of the tasks extension. */
export async function compareTasks(
  start: (upstreamPort: number) => Promise<RunningSidecar> = startSidecar,
): Promise<Omit<Comparison, 'specVersion'>> {
  const server = createTaskServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const running = await start(port);
  try {
    const direct = await runTaskScenarios(`http://127.0.0.1:${port}/mcp`);
    const sidecar = await runTaskScenarios(running.url);
    return { direct, sidecar, differences: differencesOf(direct, sidecar) };
  } finally {
    await running.stop();
    server.closeAllConnections();
    server.close();
  }
}

/** The suite of a revision that the server itself may not know. */
export function throughSidecar(
  eras: Eras,
  specVersion: SpecVersion,
  start: (upstreamPort: number) => Promise<RunningSidecar> = startSidecar,
): Promise<Checks> {
  return withServer(eras, async (port) => {
    const running = await start(port);
    try {
      return await runSuite(running.url, specVersion);
    } finally {
      await running.stop();
    }
  });
}

/** What no server of the era of sessions can be made to pass of 2026-07-28: it names no keys for its questions. */
const KEYS_OF_QUESTIONS: readonly RegExp[] = [
  /^input-required-result-basic-elicitation: sep-2322-elicitation-incomplete /,
  /^input-required-result-ignore-extra-params: sep-2322-ignore-unexpected-params /,
];

export interface Translated {
  readonly eras: Eras;
  readonly specVersion: SpecVersion;
  readonly lost: readonly RegExp[];
}

/** Suites of servers that do not know the revision, and of a server of the SDK's first line alone. */
export const TRANSLATED: readonly Translated[] = [
  {
    eras: 'legacy',
    specVersion: '2026-07-28',
    lost: [
      ...KEYS_OF_QUESTIONS,
      // The second line's server looks itself at what the client can be asked, and fails the tool in words of its own.
      /^server-stateless: sep-2575-server-rejects-undeclared-capability /,
      /^server-stateless: sep-2575-missing-capability-http-400 /,
    ],
  },
  { eras: 'v1', specVersion: '2025-11-25', lost: [] },
  { eras: 'v1', specVersion: '2026-07-28', lost: KEYS_OF_QUESTIONS },
  { eras: 'modern', specVersion: '2025-11-25', lost: [] },
];

export function differencesOf(direct: Checks, sidecar: Checks): Difference[] {
  const absent: Check = { status: 'absent' };
  return [...new Set([...direct.keys(), ...sidecar.keys()])]
    .map((key) => ({ key, direct: direct.get(key) ?? absent, sidecar: sidecar.get(key) ?? absent }))
    .filter((each) => each.direct.status !== each.sidecar.status);
}

/** How many checks have only successes. */
export const passed = (checks: Checks): number => checks.size - failures(checks).length;

export const failures = (checks: Checks): string[] =>
  [...checks].filter(([, { status }]) => !/^SUCCESS(, SUCCESS)*$/.test(status)).map(([key]) => key);

async function withServer<T>(eras: Eras, use: (port: number) => Promise<T>): Promise<T> {
  const server = createReferenceServer({ eras }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await use((server.address() as AddressInfo).port);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
