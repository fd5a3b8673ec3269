/** Sixteen clients, two of each of eight principals, on servers that keep what they are told in memory or in a file. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { spawnProxy, type RunningProxy } from '../plugin/proxy/spawn-proxy.ts';
import { npmPackages } from '../programs/built-once.ts';
import { connectV1, connectV2, type TestClient } from '../sidecar/wire/sdk-clients.ts';

const PRINCIPALS = Array.from({ length: 8 }, (_, index) => `caller${index}`);
const tokenOf = (name: string): string => `token-of-${name}-0123456789`;

let directory: string;
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-crossing-'));
  writeFileSync(join(directory, 'tokens'), PRINCIPALS.map((each) => `${each}=${tokenOf(each)}\n`).join(''));
});
after(() => rmSync(directory, { recursive: true }));

const program = (name: string): string =>
  join(
    npmPackages(join(import.meta.dirname, '../images/stdio')),
    'node_modules/@modelcontextprotocol',
    name,
    'dist/index.js',
  );

async function started(name: string, flags: readonly string[] = []): Promise<RunningProxy> {
  const tokens = ['--auth-token-file', join(directory, 'tokens'), '--stdio-modern', 'per-principal'];
  const bound = ['--max-stdio-processes', '40', '--audit', 'none'];
  return spawnProxy([...tokens, ...bound, ...flags, '--', process.execPath, program(name)]);
}

async function clientsOf({ url }: RunningProxy): Promise<TestClient[]> {
  const all = PRINCIPALS.flatMap((each) => {
    const headers = { Authorization: `Bearer ${tokenOf(each)}` };
    return [connectV1(url, headers), connectV2(url, headers)];
  });
  return Promise.all(all);
}

describe('each client sees its own state', () => {
  test('in the memory of server-sequential-thinking', async () => {
    const proxy = await started('server-sequential-thinking');
    try {
      const clients = await clientsOf(proxy);
      assert.deepEqual(clients.map(({ era }) => era).slice(0, 2), ['legacy', 'modern']);
      const seen = await Promise.all(
        clients.map(async (client, index) => {
          const lengths: number[] = [];
          for (let thoughtNumber = 1; thoughtNumber <= index + 1; thoughtNumber++) {
            const said = await client.callTool('sequentialthinking', {
              thought: `${index}`,
              thoughtNumber,
              totalThoughts: 20,
              nextThoughtNeeded: true,
            });
            lengths.push((JSON.parse(said) as { thoughtHistoryLength: number }).thoughtHistoryLength);
          }
          return lengths;
        }),
      );
      assert.deepEqual(
        seen,
        clients.map((_, index) => Array.from({ length: index + 1 }, (__, at) => at + 1)),
      );
      await Promise.all(clients.map((each) => each.close()));
    } finally {
      await proxy.stop();
    }
  });

  test('in the file of server-memory, which the template puts into the directory of the process', async () => {
    const proxy = await started('server-memory', [
      '--stdio-env',
      'MEMORY_FILE_PATH={session-dir}/memory.json',
    ]);
    try {
      const clients = await clientsOf(proxy);
      await Promise.all(
        clients.map((client, index) =>
          client.callTool('create_entities', {
            entities: [{ name: `entity-${index}`, entityType: 'test', observations: [] }],
          }),
        ),
      );
      const graphs = await Promise.all(clients.map((client) => client.callTool('read_graph', {})));
      const names = graphs.map((graph) =>
        (JSON.parse(graph) as { entities: { name: string }[] }).entities.map(({ name }) => name),
      );
      assert.deepEqual(
        names,
        clients.map((_, index) => [`entity-${index}`]),
      );
      await Promise.all(clients.map((each) => each.close()));
    } finally {
      await proxy.stop();
    }
  });
});
