/** Servers and sidecars that die and come back, and what the sidecar does of its own meanwhile: little, and in time. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { call, initialize, post } from '../sidecar/wire/post.ts';
import { startSidecar, untilHealth, type SidecarOptions } from '../sidecar/wire/start-sidecar.ts';
import { waitFor } from '../sidecar/wire/wait-for.ts';
import { answer, event, result, startRawServer, stream, type RawServer } from './raw-server.ts';

const stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

async function start(options: Partial<SidecarOptions> = {}, prepare?: (server: RawServer) => void) {
  const server = await startRawServer();
  stops.push(server.stop);
  prepare?.(server);
  const sidecar = await startSidecar({ upstreamPort: server.port, ...options });
  stops.push(sidecar.stop);
  await untilHealth(sidecar, 'healthy');
  return { server, sidecar };
}

describe('a server that', () => {
  test('dies takes its own calls with it, and is found again with its sessions gone', async () => {
    const { server, sidecar } = await start();
    const session = await initialize(sidecar.url);
    const withSession = { 'mcp-session-id': session };
    assert.equal((await post(sidecar.url, call('echo'), withSession)).status, 200);
    server.scripts.set('held', () => undefined);
    const held = post(sidecar.url, call('held', 'h'), withSession);
    await waitFor('the call', () => server.requests.some((each) => each.message?.id === 'h'));
    await server.stop();
    assert.equal((await held).status, 502);
    assert.match((await held).body, /"id":"h"/);
    assert.equal((await post(sidecar.url, call('echo'), withSession)).status, 503);
    await untilHealth(sidecar, 'degraded');
    const again = await startRawServer(server.port);
    stops.push(again.stop);
    again.scripts.set('echo', (each) =>
      /^mcp-session-id:/im.test(each.head)
        ? answer(each, 404, '{"jsonrpc":"2.0","error":{}}')
        : result(each, {}),
    );
    await untilHealth(sidecar, 'healthy');
    assert.equal((await post(sidecar.url, call('echo'), withSession)).status, 404, 'the server’s own word');
  });

  test('forgets the sidecar’s session gets a new one', async () => {
    const { server, sidecar } = await start();
    let initialized = 0;
    let forgotten = true;
    server.scriptsToSidecar.set('initialize', (each) => {
      initialized++;
      forgotten = false;
      result(
        each,
        { protocolVersion: '2025-11-25', capabilities: { tools: {} } },
        'Mcp-Session-Id: session-of-the-sidecar\r\n',
      );
    });
    server.scriptsToSidecar.set('ping', (each) => (forgotten ? answer(each, 404, '') : result(each, {})));
    server.scripts.set('breaks', ({ socket }) => socket.destroy());
    // Real traffic that fails makes the sidecar look.
    await post(sidecar.url, call('breaks'));
    await waitFor('a new session', () => initialized === 1);
    await untilHealth(sidecar, 'healthy');
  });

  test('refuses the sidecar a session is not asked for one with every call that succeeds', async () => {
    let attempts = 0;
    const server = await startRawServer();
    stops.push(server.stop);
    server.scriptsToSidecar.set('initialize', (each) => {
      attempts++;
      answer(each, 400, '{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"taken"}}');
    });
    const sidecar = await startSidecar({ upstreamPort: server.port });
    stops.push(sidecar.stop);
    await waitFor('an attempt', () => attempts);
    const before = attempts;
    const untilMs = performance.now() + 1_000;
    let calls = 0;
    for (; performance.now() < untilMs; calls++)
      assert.equal((await post(sidecar.url, call('echo'))).status, 200);
    assert.ok(attempts - before <= 10, `${attempts - before} attempts in ${calls} calls`);
  });

  test('ends its stream of changes at once is asked for it ever more seldom', async () => {
    let opened = 0;
    const { server } = await start({}, (each) =>
      each.scriptsToSidecar.set('GET', (request) => {
        opened++;
        stream(request)(event({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' }));
        request.socket.write('0\r\n\r\n');
      }),
    );
    await delay(2_000);
    assert.ok(opened >= 2 && opened <= 6, `${opened} times in 2 s`);
    assert.ok(server.connections.size <= 3);
  });

  test('has nothing to say on the sidecar’s own stream may be silent there', async () => {
    let opened = 0;
    await start({ upstream: { requestTimeoutMs: 1_000 } }, (each) =>
      each.scriptsToSidecar.set('GET', (request) => {
        opened++;
        stream(request);
      }),
    );
    await delay(2_000);
    assert.equal(opened, 1);
  });

  test('sends the sidecar an event without an end is not listened to for ever', async () => {
    let opened = 0;
    await start({}, (each) =>
      each.scriptsToSidecar.set('GET', (request) => {
        opened++;
        const send = stream(request);
        send('data: ');
        const fill = (): void => {
          while (!request.socket.destroyed && !request.socket.writableNeedDrain) send('x'.repeat(10_000));
        };
        request.socket.on('drain', fill);
        fill();
      }),
    );
    await waitFor('another attempt', () => opened >= 2);
  });

  test('is frozen is told of by its silence, on connections that it has and on new ones', async () => {
    const module = new URL('raw-server.ts', import.meta.url).href;
    const child = spawn(process.execPath, [
      '-e',
      `import(${JSON.stringify(module)}).then((m) => m.startRawServer()).then((s) => console.log(s.port))`,
    ]);
    stops.push(() => void child.kill('SIGKILL'));
    const port = Number(String((await once(child.stdout, 'data'))[0]));
    const sidecar = await startSidecar({ upstreamPort: port, upstream: { requestTimeoutMs: 1_000 } });
    stops.push(sidecar.stop);
    await untilHealth(sidecar, 'healthy');
    assert.equal((await post(sidecar.url, call('echo'))).status, 200);
    child.kill('SIGSTOP');
    const answers = await Promise.all([1, 2, 3].map((id) => post(sidecar.url, call('echo', id))));
    for (const [index, { status, body }] of answers.entries()) {
      assert.equal(status, 504);
      assert.match(body, new RegExp(`"id":${index + 1},.*no byte came for 1 s`));
    }
    child.kill('SIGCONT');
    assert.equal((await post(sidecar.url, call('echo'))).status, 200);
  });
});

describe('a sidecar that comes back without its key', () => {
  test('does not know the sessions that it sealed before: 404, and the server is not asked', async () => {
    const { server, sidecar } = await start();
    const session = await initialize(sidecar.url);
    await sidecar.stop();
    const again = await startSidecar({ upstreamPort: server.port });
    stops.push(again.stop);
    await untilHealth(again, 'healthy');
    server.requests.length = 0;
    const { status, body } = await post(again.url, call('echo', 's'), { 'mcp-session-id': session });
    assert.equal(status, 404);
    assert.deepEqual(JSON.parse(body), {
      jsonrpc: '2.0',
      // The body is not read for a session that is nobody's.
      id: null,
      error: { code: -32001, message: 'Session not found' },
    });
    assert.equal(server.requests.length, 0);
    assert.equal(
      (await post(again.url, call('echo'), { 'mcp-session-id': await initialize(again.url) })).status,
      200,
    );
  });
});

const directoryWith = (files: Record<string, string>): string => {
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-headers-'));
  stops.push(() => rmSync(directory, { recursive: true }));
  for (const [name, value] of Object.entries(files)) writeFileSync(join(directory, name), value);
  return directory;
};
const configured = (directory: string) => ({
  upstream: { headers: { source: 'secret/upstream-headers', directory } },
});

describe('headers for the server', () => {
  test('go with every request, the sidecar’s own too; a client’s own do not', async () => {
    const directory = directoryWith({ Authorization: 'Bearer s3cret\n', 'X-Tenant': 'blue' });
    const heads: string[] = [];
    const { server, sidecar } = await start(configured(directory), (each) =>
      each.scriptsToSidecar.set('tools/list', (request) => {
        heads.push(request.head);
        result(request, { tools: [] });
      }),
    );
    await post(sidecar.url, call('echo'), { authorization: 'Bearer of-the-client', 'x-tenant': 'red' });
    for (const head of [...heads, server.requests[0]!.head]) {
      assert.match(head, /^Authorization: Bearer s3cret\r\nX-Tenant: blue\r$/m);
      assert.doesNotMatch(head, /of-the-client|red/);
    }
  });

  test('change in flight; a version with a fault changes nothing, and is told of', async () => {
    const directory = directoryWith({ 'X-Key': 'one' });
    const { server, sidecar } = await start(configured(directory));
    const sent = async (): Promise<string | undefined> => {
      await post(sidecar.url, call('echo'));
      return /^X-Key: (.*)\r$/m.exec(server.requests.at(-1)!.head)?.[1];
    };
    assert.equal(await sent(), 'one');
    writeFileSync(join(directory, 'X-Key'), 'two');
    await waitFor('the new value', async () => (await sent()) === 'two');
    writeFileSync(join(directory, 'X-Key'), 's3cret\nHost: evil');
    const { problems } = await waitFor('the problem', async () => {
      const [of] = (await sidecar.health()).servers;
      return of.problems && of;
    });
    assert.match(
      problems.join(),
      /^Secret upstream-headers: "X-Key" holds more than one line.*those before are still sent/,
    );
    assert.doesNotMatch(JSON.stringify([problems, sidecar.events]), /s3cret/);
    assert.equal(await sent(), 'two');
    const metrics = await (await fetch(`${sidecar.adminUrl}/metrics`)).text();
    assert.match(metrics, /kubectl_mcp_upstream_headers_valid{server="tested"} 0/);
  });

  test('that have never been good let nothing out', async () => {
    const directory = directoryWith({});
    const server = await startRawServer();
    stops.push(server.stop);
    const sidecar = await startSidecar({ upstreamPort: server.port, ...configured(directory) });
    stops.push(sidecar.stop);
    const { status, headers, body } = await post(sidecar.url, call('echo', 'x'));
    assert.deepEqual([status, headers.get('retry-after')], [503, '5']);
    assert.match(body, /"id":"x".*headers that the server is to be sent cannot be read"/);
    assert.equal(server.connections.size, 0);
    writeFileSync(join(directory, 'X-Key'), 'one');
    await untilHealth(sidecar, 'healthy');
    assert.equal((await post(sidecar.url, call('echo'))).status, 200);
  });
});
