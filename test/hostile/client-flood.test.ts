/** Clients by the thousand: what they choose freely makes no series, no flood of events, and nothing that stays. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { call, post as send } from '../sidecar/wire/post.ts';
import { startScriptedServer, type ScriptedServer } from '../sidecar/wire/scripted-server.ts';
import { startSidecar, untilHealth, type TestSidecar } from '../sidecar/wire/start-sidecar.ts';
import { waitFor } from '../sidecar/wire/wait-for.ts';
import { rawClient } from './raw-client.ts';
import { post, RUDE_REQUESTS } from './rude-requests.ts';

const REQUESTS = 10_000;
const CONNECTIONS = 20;
const PIPELINED = 4;
let server: ScriptedServer;
let sidecar: TestSidecar;

before(async () => {
  server = await startScriptedServer();
  sidecar = await startSidecar({ upstreamPort: server.port, edge: { limits: { connections: 1_500 } } });
  await untilHealth(sidecar, 'healthy');
});
after(async () => {
  await sidecar.stop();
  await server.stop();
});

const metrics = async () => (await fetch(`${sidecar.adminUrl}/metrics`)).text();
const gauge = async (name: string) =>
  Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(await metrics())?.[1]);

/** Everything that a client can choose, chosen anew each time. */
function anew(each: number): string {
  const body = JSON.stringify({
    ...call(`tool-${each}`, `id-${each}`),
    ...(each % 3 ? {} : { method: `m/${each}` }),
  });
  const method = each % 7 === 0 ? 'PATCH' : 'POST';
  return (
    `${method} ${each % 11 === 0 ? `/path-${each}` : '/mcp'}?${each} HTTP/1.1\r\n` +
    `Host: ${each % 2 ? `host-${each}.example` : 'localhost'}\r\n${each % 5 ? '' : `Origin: https://o-${each}.example\r\n`}` +
    `Content-Type: application/json\r\n${each % 13 ? '' : `Mcp-Session-Id: session-${each}\r\n`}` +
    `X-Forwarded-For: 1.2.${each >> 8}.${each & 255}\r\nUser-Agent: agent-${each}\r\nX-${each}: ${each}\r\n` +
    `Authorization: Bearer token-${each}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  );
}

async function sendAnew(from: number, count: number): Promise<Set<number>> {
  const statuses = new Set<number>();
  let client = await rawClient(sidecar.listenPort);
  for (let each = from; each < from + count; each += PIPELINED) {
    client.write(Array.from({ length: PIPELINED }, (_, index) => anew(each + index)).join(''));
    for (let index = 0; index < PIPELINED; index++) {
      const answer = await client.answer();
      // An answer to a body that was not read ends the connection.
      if (!answer) break;
      statuses.add(answer.status);
      if (answer.headers['connection'] === 'close') break;
    }
    client.socket.destroy();
    client = await rawClient(sidecar.listenPort);
  }
  client.socket.destroy();
  return statuses;
}

describe('a flood', () => {
  test(`of ${REQUESTS} requests with everything different makes no series of metrics and no events`, async () => {
    await sendAnew(0, 400);
    const linesBefore = (await metrics()).split('\n').length;
    const events = sidecar.events.length;
    const lines = sidecar.audit.length;
    const share = REQUESTS / CONNECTIONS;
    const all = await Promise.all(
      Array.from({ length: CONNECTIONS }, (_, index) => sendAnew(1_000 + index * share, share)),
    );
    const statuses = new Set(all.flatMap((each) => [...each]));
    for (const status of [200, 403, 404, 405]) assert.ok(statuses.has(status), `${status}`);
    const text = await metrics();
    assert.equal(text.split('\n').length, linesBefore);
    assert.ok(!/tool-|host-|path-|PATCH|m\/\d/.test(text));
    assert.ok(sidecar.events.length - events < 10, JSON.stringify(sidecar.events.slice(events, events + 5)));
    assert.ok(sidecar.audit.length - lines <= REQUESTS, 'a line for each exchange at most');
    assert.equal((await send(sidecar.url, call('echo'))).status, 200);
  });

  test('of 1,000 rude connections leaves nothing open', async () => {
    const rude = [...RUDE_REQUESTS.map(({ bytes }) => bytes), '', 'POST', post('echo').slice(0, -3)];
    for (let from = 0; from < 1_000; from += 100) {
      const clients = await Promise.all(Array.from({ length: 100 }, () => rawClient(sidecar.listenPort)));
      clients.forEach(({ write }, index) => write(rude[(from + index) % rude.length] ?? ''));
      await Promise.all(
        clients.slice(0, 20).map(({ socket }) => new Promise((resolve) => socket.write('', resolve))),
      );
      clients.forEach(({ socket }, index) => (index % 2 ? socket.resetAndDestroy() : socket.destroy()));
    }
    await waitFor('the connections to be gone', async () => (await gauge('kubectl_mcp_connections')) <= 1);
    await waitFor('the calls to be over', async () => (await gauge('kubectl_mcp_calls_in_flight')) === 0);
    assert.equal((await send(sidecar.url, call('echo'))).status, 200);
  });

  test('of connections that stay, up to the limit, leaves the probes and open connections working', async () => {
    const good = await rawClient(sidecar.listenPort);
    const clients = await Promise.all(Array.from({ length: 1_000 }, () => rawClient(sidecar.listenPort)));
    for (const { write } of clients) write('POST /mcp HTTP/1.1\r\nHost: loc');
    good.write(post('echo'));
    assert.equal((await good.answer())?.status, 200);
    assert.equal((await fetch(`${sidecar.adminUrl}/livez`)).status, 200);
    for (const { socket } of [good, ...clients]) socket.destroy();
    await waitFor('the connections to be gone', async () => (await gauge('kubectl_mcp_connections')) <= 1);
  });
});
