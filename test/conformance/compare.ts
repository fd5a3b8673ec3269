/** The suite against the reference server, direct and through the sidecar, check by check. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createReferenceServer } from './reference/server.ts';
import { startSidecar } from './sidecar.ts';
import { runSuite } from './suite.ts';
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
  const direct = await withServer((port) => runSuite(`http://127.0.0.1:${port}/mcp`, specVersion));
  const sidecar = await withServer(async (port) => {
    const running = await startSidecar(port);
    try {
      return await runSuite(running.url, specVersion);
    } finally {
      await running.stop();
    }
  });
  return { specVersion, direct, sidecar, differences: differencesOf(direct, sidecar) };
}

export function differencesOf(direct: Checks, sidecar: Checks): Difference[] {
  const absent: Check = { status: 'absent' };
  return [...new Set([...direct.keys(), ...sidecar.keys()])]
    .map((key) => ({ key, direct: direct.get(key) ?? absent, sidecar: sidecar.get(key) ?? absent }))
    .filter((each) => each.direct.status !== each.sidecar.status);
}

/** How many checks have only successes. */
export const passed = (checks: Checks): number =>
  [...checks.values()].filter(({ status }) => /^SUCCESS(, SUCCESS)*$/.test(status)).length;

async function withServer<T>(use: (port: number) => Promise<T>): Promise<T> {
  const server = createReferenceServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await use((server.address() as AddressInfo).port);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
