/**
 * Bytecode of the sidecar, so that a pod's proxy does not compile at its start what every other has compiled. Node
 * takes it only when its own version, the V8 flags and the kind of CPU are those of the build; otherwise it compiles.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, globSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CONFIG_ENV, CONFIG_VERSION, type SidecarConfigInput } from '../sidecar/config.ts';
import { NODE_FLAGS } from '../webhook/container.ts';

/** Beside the bundle, for Node finds what belongs to a file by its place relative to this. */
export const COMPILE_CACHE = '.compile-cache';

const START_TIMEOUT_MS = 20_000;
const MESSAGE = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

/** Starts the bundle in `directory`, has it carry one call, and ends it: what was compiled until then is kept. */
export async function writeCompileCache(directory: string): Promise<void> {
  const cache = join(directory, COMPILE_CACHE);
  rmSync(cache, { recursive: true, force: true });
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => (body += part));
    request.on('end', () => {
      const { id, method } = JSON.parse(body || '{}') as { id?: unknown; method?: string };
      response.writeHead(id === undefined ? 202 : 200, { 'content-type': 'application/json' });
      response.end(
        id === undefined ? '' : JSON.stringify({ jsonrpc: '2.0', id, result: RESULTS[method ?? ''] ?? {} }),
      );
    });
  });
  const [listenPort, adminPort] = [await freePort(), await freePort()];
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const config: SidecarConfigInput = {
    version: CONFIG_VERSION,
    adminPort,
    drain: { path: '/drain/compile-cache-of-the-image', endpointGraceMs: 0, timeoutMs: 0 },
    servers: [
      {
        name: 'build',
        listenPort,
        upstream: { transport: 'streamable-http', port: portOf(server), path: '/mcp' },
        auth: { mode: 'none' },
        filter: { denyTools: ['secret'], mode: 'all' },
      },
    ],
  };
  const child = spawn(process.execPath, [...NODE_FLAGS, join(directory, 'sidecar.cjs')], {
    env: { [CONFIG_ENV]: JSON.stringify(config) },
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  try {
    await call(`http://127.0.0.1:${listenPort}/mcp`);
  } finally {
    child.kill('SIGTERM');
    await ended;
    server.closeAllConnections();
    server.close();
  }
  const files = globSync('*/*', { cwd: cache });
  if (files.length === 0) throw new Error(`Node wrote no compile cache to ${cache}`);
  // Node writes them for its own user; the image's is another.
  for (const file of files) chmodSync(join(cache, file), 0o644);
  for (const folder of ['.', ...globSync('*', { cwd: cache })]) chmodSync(join(cache, folder), 0o755);
}

const RESULTS: Readonly<Record<string, object>> = {
  initialize: {
    protocolVersion: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: 'build', version: '1' },
  },
  'tools/list': { tools: [{ name: 'echo', inputSchema: { type: 'object' } }] },
  'tools/call': { content: [{ type: 'text', text: 'done' }] },
};

/** Until it is answered: the sidecar may not listen yet. */
async function call(url: string): Promise<void> {
  const body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{}}}';
  for (let waited = 0; waited < START_TIMEOUT_MS; waited += 50) {
    const answer = await fetch(url, { method: 'POST', headers: MESSAGE, body }).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(50);
  }
  throw new Error(`the sidecar did not answer within ${START_TIMEOUT_MS / 1000} s`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  server.close();
  return port;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

if (import.meta.main) await writeCompileCache(join(import.meta.dirname, '../dist'));
