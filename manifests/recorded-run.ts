/** A sidecar in front of a small server, carrying one call: what every pod's proxy does first. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { CONFIG_ENV, CONFIG_VERSION } from '../sidecar/config.ts';
import type { SidecarConfigInput } from '../sidecar/config.ts';

/** After the last that is seen of it; a second after its start it gives memory back. */
const QUIET_MS = 1_500;
const START_TIMEOUT_MS = 60_000;
const HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
const CALL = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{}}}';
const RESULTS: Readonly<Record<string, object>> = {
  initialize: {
    protocolVersion: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: 'build', version: '1' },
  },
  'tools/list': { tools: [{ name: 'echo', inputSchema: { type: 'object' } }] },
  'tools/call': { content: [{ type: 'text', text: 'done' }] },
};

type Recorded = { stdout: Readable; stderr: Readable; ended: Promise<unknown>; record: () => void };

/** `start` gets the environment of the sidecar; `record` is called when all is quiet again, and must end it. */
export async function recordedRun(start: (env: Record<string, string>) => Recorded): Promise<void> {
  const server = createServer((request, response) => {
    let body = '';
    if (request.method !== 'POST') return void response.writeHead(405).end();
    request.setEncoding('utf8').on('data', (part: string) => (body += part));
    request.on('end', () => {
      const { id, method } = JSON.parse(body || '{}') as { id?: unknown; method?: string };
      response.writeHead(id === undefined ? 202 : 200, { 'content-type': 'application/json' });
      response.end(
        id === undefined ? '' : JSON.stringify({ jsonrpc: '2.0', id, result: RESULTS[method ?? ''] ?? {} }),
      );
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const [listenPort, adminPort] = [await freePort(), await freePort()];
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
  const { stdout, stderr, ended, record } = start({ [CONFIG_ENV]: JSON.stringify(config) });
  try {
    await line(stderr, '"server_connected"');
    for (const path of ['/livez', '/readyz']) await answered(`http://127.0.0.1:${adminPort}${path}`);
    await answered(`http://127.0.0.1:${listenPort}/mcp`, { method: 'POST', headers: HEADERS, body: CALL });
    await line(stdout, '"mcp_tool_call"');
    await sleep(QUIET_MS);
  } finally {
    record();
    await ended;
    server.closeAllConnections();
    server.close();
  }
}

/** It is not asked meanwhile: whether it was asked before, too, would be a matter of luck. */
async function line(of: Readable, part: string): Promise<void> {
  const lines = createInterface(of);
  const seen: string[] = [];
  const timer = setTimeout(() => lines.close(), START_TIMEOUT_MS);
  for await (const each of lines) {
    seen.push(each);
    if (each.includes(part)) {
      clearTimeout(timer);
      return;
    }
  }
  clearTimeout(timer);
  throw new Error(`the sidecar wrote no ${part} within ${START_TIMEOUT_MS / 1000} s:\n${seen.join('\n')}`);
}

async function answered(url: string, init: RequestInit = {}): Promise<void> {
  const answer = await fetch(url, init);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${url} was answered with ${answer.status}: ${text}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  server.close();
  return port;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;
