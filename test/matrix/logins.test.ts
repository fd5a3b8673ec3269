/** Clients that others wrote find the provider by the sidecar's metadata, and their users log in. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { freePorts } from '../conformance/ports.ts';
import { npmPackages, pythonWith } from '../programs/built-once.ts';
import { stops } from '../sidecar/wire/proxied.ts';
import { startOAuth } from '../sidecar/wire/oauth-world.ts';

const DEADLINE_MS = 60_000;
const REQUIREMENTS = join(import.meta.dirname, '..', 'corpus', 'recorders', 'python', 'requirements.txt');
const npm = (path: string): string =>
  join(npmPackages(join(import.meta.dirname, 'clients', 'npm')), 'node_modules', path);

function start(command: string, args: readonly string[], env: Record<string, string> = {}) {
  const home = mkdtempSync(join(tmpdir(), 'kubectl-mcp-login-'));
  stops.push(() => rmSync(home, { recursive: true, force: true }));
  const child = spawn(command, args, { env: { PATH: '/nonexistent', HOME: home, ...env } });
  const timer = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  const exited = once(child, 'exit').finally(() => clearTimeout(timer));
  stops.push(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  return child;
}

for (const [mode, era] of [
  ['auto', 'modern'],
  ['auto', 'legacy'],
  ['legacy', 'legacy'],
] as const)
  test(`the client of the Python SDK 2.3.0, ${mode}, with a server of the era ${era}`, async () => {
    const { sidecar, resource } = await startOAuth({ era });
    const child = start(pythonWith(REQUIREMENTS), [
      join(import.meta.dirname, 'clients', 'python', 'login.py'),
    ]);
    child.stdin.end(JSON.stringify({ url: sidecar.url, mode }));
    const [out, problem] = await Promise.all([text(child.stdout), text(child.stderr)]);
    const lines = out
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as object);
    assert.deepEqual(
      lines,
      [
        { asked: { scope: 'mcp:tools offline_access', resource } },
        { tools: ['open', 'admin'] },
        { called: 'open', isError: false },
        { asked: { scope: 'mcp:tools offline_access mcp:admin', resource } },
        { called: 'admin', isError: false },
      ],
      problem,
    );
  });

test('inspector 2.12.0, --cli', async () => {
  const { provider, sidecar } = await startOAuth({ era: 'legacy' });
  const [port] = await freePorts(1);
  const child = start(
    process.execPath,
    [
      npm('@modelcontextprotocol/inspector/clients/launcher/build/index.js'),
      '--cli',
      sidecar.url,
      '--method',
      'tools/call',
      '--tool-name',
      'open',
      '--callback-url',
      `http://127.0.0.1:${port}/oauth/callback`,
    ],
    // It wants a terminal otherwise; what would open a browser is not there.
    { MCP_AUTO_OPEN_ENABLED: 'true' },
  );
  const out = text(child.stdout);
  await visited(child.stderr, provider);
  assert.ok(Array.isArray((JSON.parse(await out) as { content?: unknown }).content));
  await sidecar.settled();
  assert.ok(sidecar.audit.some(({ outcome, target }) => outcome === 'success' && target?.name === 'open'));
});

test('mcp-remote 0.15.1', async () => {
  const { provider, sidecar } = await startOAuth({ era: 'legacy' });
  const child = start(process.execPath, [npm('mcp-remote/dist/proxy.js'), sidecar.url]);
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  const send = (message: object) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const initialize = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'a', version: '1' },
  };
  send({ id: 1, method: 'initialize', params: initialize });
  await visited(child.stderr, provider);
  const next = async (): Promise<{ id?: number; result?: Record<string, unknown> }> =>
    JSON.parse((await answers.next()).value as string);
  assert.equal((await next()).id, 1);
  send({ method: 'notifications/initialized' });
  send({ id: 2, method: 'tools/list' });
  const { result } = await next();
  assert.deepEqual(
    (result!['tools'] as { name: string }[]).map(({ name }) => name),
    ['open', 'admin'],
  );
});

/** What the client would open in a browser: the user signs in there, and comes back to where the client listens. */
async function visited(
  words: NodeJS.ReadableStream,
  provider: { issuer: string; browse(url: string): Promise<URL> },
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let all = '';
  words.on('data', (chunk: Buffer) => {
    all += String(chunk);
    const [url] = new RegExp(`${provider.issuer}/auth\\S+(?=\\s)`).exec(all) ?? [];
    if (url) resolve(url);
  });
  words.once('end', () => reject(new Error(`nobody was sent to the provider:\n${all}`)));
  const back = await provider.browse(await promise);
  await (await fetch(back)).text();
}
