import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { connect, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { createAudit } from '../../../sidecar/audit/audit.ts';
import { createAuthentication } from '../../../sidecar/auth/authentication.ts';
import { anonymousAuthenticator } from '../../../sidecar/auth/authenticator.ts';
import { parseConfig } from '../../../sidecar/config.ts';
import { editedReply } from '../../../sidecar/downstream/edited-reply.ts';
import { createConnection } from '../../../sidecar/downstream/connection.ts';
import { createInFlight } from '../../../sidecar/downstream/in-flight.ts';
import { createLimits } from '../../../sidecar/downstream/limits.ts';
import { createMcpHandler } from '../../../sidecar/downstream/mcp-handler.ts';
import { createPolicy } from '../../../sidecar/passes.ts';
import { createSessions } from '../../../sidecar/sessions.ts';
import { createHttpPool } from '../../../sidecar/upstream/http-pool.ts';
import { createLegacyUpstream } from './legacy-upstream.ts';

const EVERYTHING = createRequire(import.meta.url).resolve(
  '@modelcontextprotocol/server-everything/dist/index.js',
);
const TIMEOUT_MS = 10_000;

test('an elicitation of a legacy server reaches a modern client, and its answer the server, through the same passes', async (t) => {
  const port = await freePort();
  const child = spawn(process.execPath, [EVERYTHING, 'streamableHttp'], {
    env: { ...process.env, PORT: String(port) },
    stdio: 'ignore',
  });
  t.after(() => child.kill('SIGKILL'));
  await answering(port);

  const pool = createHttpPool({ addresses: ['127.0.0.1', '::1'], port, path: '/mcp' });
  t.after(() => pool.close());
  const lines: string[] = [];
  const sessions = createSessions({ uid: 'pod', address: '127.0.0.1' });
  const audit = createAudit(
    { name: 'pod', namespace: 'ns', uid: 'uid', node: 'node' },
    { write: (line) => lines.push(line), dropped: () => 0, flush: async () => undefined },
  );
  const policy = createPolicy([createAuthentication(anonymousAuthenticator, sessions), audit], editedReply);
  const config = parseConfig(
    JSON.stringify({
      version: 1,
      adminPort: 1,
      drain: { path: '/drain/0123456789abcdef', timeoutMs: 0 },
      servers: [
        {
          name: 'everything',
          listenPort: 2,
          upstream: { transport: 'streamable-http', port, path: '/mcp' },
          auth: { mode: 'none' },
        },
      ],
    }),
  );
  const handle = createMcpHandler(config.servers[0]!, {
    policy,
    upstream: createLegacyUpstream(pool, TIMEOUT_MS),
    inFlight: createInFlight(),
    limits: createLimits(config.servers[0]!.limits),
    log: () => undefined,
  });
  const http = createServer((request, response) =>
    handle(request, response, '/mcp', createConnection(request.socket, undefined)),
  ).listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.after(() => http.close().closeAllConnections());

  const asked: string[] = [];
  const client = new Client(
    { name: 'modern', version: '1' },
    { capabilities: { elicitation: { form: {} } }, versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  client.setRequestHandler('elicitation/create', (request) => {
    asked.push(request.params.message);
    return { action: 'accept' as const, content: { name: 'Ada Lovelace', check: true } };
  });
  await client.connect(
    new StreamableHTTPClientTransport(
      new URL(`http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`),
    ),
  );
  t.after(() => client.close());

  const { tools } = await client.listTools();
  assert.ok(tools.some(({ name }) => name === 'trigger-elicitation-request'));
  const result = await client.callTool({ name: 'trigger-elicitation-request', arguments: {} });
  assert.deepEqual(asked, ['Please provide inputs for the following fields:']);
  assert.match(JSON.stringify(result), /Ada Lovelace/);
  const calls = lines.map((line) => JSON.parse(line)).filter(({ type }) => type === 'mcp_tool_call');
  // Each round is a request of its own: decided on and recorded as such.
  assert.deepEqual(
    calls.map(({ outcome, target }) => [outcome, target.name]),
    [
      ['success', 'trigger-elicitation-request'],
      ['success', 'trigger-elicitation-request'],
    ],
  );
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function answering(port: number): Promise<void> {
  for (const deadline = Date.now() + TIMEOUT_MS; Date.now() < deadline; await delay(50)) {
    const socket = connect(port, '127.0.0.1');
    const open = await new Promise((resolve) =>
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false)),
    );
    socket.destroy();
    if (open) return;
  }
  throw new Error(`nothing answers on port ${port}`);
}
