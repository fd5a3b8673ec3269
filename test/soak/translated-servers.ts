/** Servers of one era alone, in the soak's own process: what the sidecar translates for. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { startAskingServer } from '../sidecar/wire/asking-server.ts';
import type { SoakServer } from './processes.ts';

export interface AskingSoakServer extends SoakServer {
  /** Of the calls that wait for an answer, the server has waited for long enough. */
  giveUp(): void;
}

/** Sessions alone; each call asks its client before it answers. */
export async function startAsking(): Promise<AskingSoakServer> {
  const server = await startAskingServer();
  return {
    port: server.port,
    giveUp: server.giveUp,
    stats: async () => ({ ...NOTHING, sessions: server.sessions.size, calls: server.running() }),
    broadcast: async () => undefined,
    stop: server.stop,
  };
}

const NOTHING = { sessions: 0, streams: 0, calls: 0, openedSessions: 0, openedStreams: 0 };
const STREAM = { 'content-type': 'text/event-stream' };
/** Long enough for a client to leave in the middle, and to be back in time. */
const CALL_MS = 60;

interface Message {
  readonly id?: unknown;
  readonly method: string;
}

/** 2026-07-28 alone; each call tells of its progress before it answers. */
export async function startModern(): Promise<SoakServer> {
  let calls = 0;
  let streams = 0;
  let opened = 0;
  const http = createServer(async (request, response) => {
    const body = await text(request).catch(() => '');
    if (request.method !== 'POST') return void response.writeHead(405).end();
    const { id, method } = JSON.parse(body) as Message;
    switch (method) {
      case 'server/discover':
        return json(response, 200, id, {
          result: {
            resultType: 'complete',
            supportedVersions: ['2026-07-28'],
            capabilities: { tools: { listChanged: true } },
            ttlMs: 0,
            cacheScope: 'private',
          },
        });
      case 'initialize':
        return json(response, 400, id, { error: { code: -32022, message: 'Unsupported protocol version' } });
      case 'tools/list':
        return json(response, 200, id, {
          result: { resultType: 'complete', tools: [{ name: 'wait', inputSchema: { type: 'object' } }] },
        });
      case 'subscriptions/listen':
        streams++;
        response.on('close', () => streams--);
        response.writeHead(200, STREAM);
        return void response.write(
          event({ method: 'notifications/subscriptions/acknowledged', params: { notifications: {} } }),
        );
      default:
        calls++;
        opened++;
        response.on('close', () => calls--);
        response.writeHead(200, STREAM);
        response.write(
          event({ method: 'notifications/progress', params: { progressToken: 1, progress: 1 } }),
        );
        setTimeout(() => {
          const result = { resultType: 'complete', content: [{ type: 'text', text: 'waited' }] };
          response.end(event({ id, result }));
        }, CALL_MS);
    }
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    port: (http.address() as AddressInfo).port,
    stats: async () => ({ ...NOTHING, streams, calls, openedStreams: opened }),
    broadcast: async () => undefined,
    async stop() {
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };
}

const event = (message: object): string => `data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`;

function json(response: ServerResponse, status: number, id: unknown, rest: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', id, ...rest }));
}
