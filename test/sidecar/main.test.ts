import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import { CONFIG_ENV, POD_ENV, type SidecarConfigInput } from '../../sidecar/config.ts';
import { programOf } from '../bundles/programs.ts';
import { freePorts } from '../conformance/ports.ts';
import { call, HEADERS, post } from './wire/post.ts';
import { sendResult, startScriptedServer, startStream } from './wire/scripted-server.ts';
import { POD } from './wire/start-sidecar.ts';
import { waitFor } from './wire/wait-for.ts';

const ENTRY = programOf('sidecar');
const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

interface Running {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>;
}

function spawnSidecar(config: unknown, env: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [ENTRY], {
    env: {
      PATH: process.env['PATH'],
      ...(config === undefined
        ? {}
        : { [CONFIG_ENV]: typeof config === 'string' ? config : JSON.stringify(config) }),
      [POD_ENV.name]: POD.name,
      [POD_ENV.namespace]: POD.namespace,
      [POD_ENV.uid]: POD.uid,
      [POD_ENV.ip]: '127.0.0.1',
      [POD_ENV.node]: POD.node,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (part: Buffer) => (stdout += part));
  child.stderr.on('data', (part: Buffer) => (stderr += part));
  // `close` comes when the output is complete, too.
  const exited = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  stops.push(() => {
    child.kill('SIGKILL');
    return exited;
  });
  return { child, stdout: () => stdout, stderr: () => stderr, exited };
}

async function configFor(upstreamPort: number): Promise<SidecarConfigInput & { listenPort: number }> {
  const [listenPort, adminPort] = (await freePorts(2)) as [number, number];
  const config: SidecarConfigInput = {
    version: 1,
    adminPort,
    drain: { path: '/drain/abcdefghijklmnop', endpointGraceMs: 0, timeoutMs: 5_000 },
    servers: [
      {
        name: 'tested',
        listenPort,
        upstream: { transport: 'streamable-http', port: upstreamPort, path: '/mcp' },
        auth: { mode: 'none' },
      },
    ],
  };
  return Object.assign(config, { listenPort });
}

async function startRunning() {
  const server = await startScriptedServer();
  stops.push(server.stop);
  const { listenPort, ...config } = await configFor(server.port);
  const running = spawnSidecar(config);
  const admin = `http://127.0.0.1:${config.adminPort}`;
  await waitFor(
    `the sidecar: ${running.stderr()}`,
    async () => (await fetch(`${admin}/readyz`).catch(() => undefined))?.ok,
  );
  return { ...running, server, admin, url: `http://127.0.0.1:${listenPort}/mcp` };
}

describe('the process', () => {
  test('stops its start on a wrong configuration, with a line for each fault', async () => {
    const { exited, stdout, stderr } = spawnSidecar({
      version: 1,
      adminPort: 'eighty',
      drain: { path: '/drain/abcdefghijklmnop', timeoutMs: 1 },
      servers: [],
      extra: true,
    });
    assert.equal(await exited, 1);
    assert.equal(stdout(), '');
    assert.equal(
      stderr(),
      [
        'error: invalid configuration in KUBECTL_MCP_CONFIG:',
        '  adminPort: "eighty": Invalid input: expected number, received string',
        '  servers: []: Too small: expected array to have >=1 items',
        '  extra: true: unknown key',
        '',
      ].join('\n'),
    );
  });

  test('stops its start without a configuration, and where what it needs is missing', async () => {
    const without = spawnSidecar(undefined);
    const { listenPort: _, ...config } = await configFor(1);
    const kubernetes = { mode: 'kubernetes', audience: 'a', allowPrincipals: ['ns/*'] };
    const outside = spawnSidecar({ ...config, servers: [{ ...config.servers[0], auth: kubernetes }] });
    assert.deepEqual([await without.exited, await outside.exited], [1, 1]);
    assert.match(without.stderr(), /KUBECTL_MCP_CONFIG is not set/);
    assert.match(outside.stderr(), /"event":"start_failed".*KUBERNETES_SERVICE_HOST/);
  });

  test('stops its start when a port is taken', async () => {
    const holder = createServer().listen(0);
    await once(holder, 'listening');
    stops.push(() => new Promise((resolve) => holder.close(resolve)));
    const { listenPort: _, ...config } = await configFor(1);
    const { port } = holder.address() as AddressInfo;
    const { exited, stderr } = spawnSidecar({
      ...config,
      servers: [{ ...config.servers[0], listenPort: port }],
    });
    assert.equal(await exited, 1);
    assert.match(stderr(), new RegExp(`start_failed.*EADDRINUSE.*${port}`));
  });

  test('writes audit lines alone to stdout, and its own events to stderr', async () => {
    const { child, exited, url, stdout, stderr } = await startRunning();
    await post(url, call('echo'));
    child.kill('SIGTERM');
    assert.equal(await exited, 0);
    const lines = stdout().trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).type),
      ['mcp_tool_call'],
    );
    const events = stderr()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      events.map(({ event }) => event).filter((event) => event !== 'server_connected'),
      ['listening', 'started', 'stopping'],
    );
    for (const { time, component } of events) {
      assert.match(time, /Z$/);
      assert.equal(component, 'sidecar');
    }
  });

  test('lets a running call end after SIGTERM, and ends streams', async () => {
    const { child, exited, url, server } = await startRunning();
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    server.answers.set(
      'tools/call',
      (request, response) => void released.then(() => sendResult(request, response, {})),
    );
    server.answers.set('GET', (_, response) => void startStream(response));
    const running = post(url, call('echo', 'late'));
    const stream = await fetch(url, { headers: { accept: HEADERS.accept } });
    await waitFor('the call', () =>
      server.fromClients().some(({ message }) => message?.method === 'tools/call'),
    );
    child.kill('SIGTERM');
    assert.equal(await stream.text(), '');
    // No new connection is taken any more.
    await waitFor(
      'the end of listening',
      async () => !(await fetch(url.replace('/mcp', '/ready')).catch(() => undefined)),
    );
    assert.equal(child.exitCode, null);
    release();
    const { status, body } = await running;
    assert.equal(status, 200);
    assert.match(body, /"late"/);
    assert.equal(await exited, 0);
  });

  test('ends after SIGTERM although a call does not', async () => {
    const { child, exited, url, server } = await startRunning();
    server.answers.set('tools/call', () => undefined);
    const running = post(url, call('echo')).catch((error: Error) => error);
    await waitFor('the call', () => server.fromClients().length);
    child.kill('SIGTERM');
    assert.equal(await exited, 0);
    assert.ok((await running) instanceof Error);
  });
});
