/** A page of another site in a real browser: what `browser.test.ts` takes from the specifications. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { build } from 'esbuild';
import { installPackages } from '../../../manifests/packages.ts';
import type { PageReport } from './page-of-another-site.ts';
import { start, stops, tokens } from './proxied.ts';

const installed = () =>
  ['chromium-headless-shell', 'chromium', 'google-chrome'].find(
    (name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0,
  );
if (!installed()) installPackages(['chromium-headless-shell']);
const BROWSER = installed();

/** A site with the page; resolves to what the page reports. */
async function startSite(): Promise<{ origin: string; report: Promise<PageReport> }> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'page-of-another-site.ts')],
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'iife',
  });
  const { promise: report, resolve } = Promise.withResolvers<PageReport>();
  const site = createServer((request, response) => {
    if (request.url === '/report') void text(request).then((body) => resolve(JSON.parse(body)));
    const isScript = request.url === '/page.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? outputFiles[0]?.contents : '<script src="/page.js"></script>');
  }).listen(0, '127.0.0.1');
  await once(site, 'listening');
  stops.push(() => {
    site.closeAllConnections();
    site.close();
  });
  return { origin: `http://localhost:${(site.address() as AddressInfo).port}`, report };
}

async function browse(url: string): Promise<void> {
  const profile = mkdtempSync(join(tmpdir(), 'kubectl-mcp-browser-'));
  const flags = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--remote-debugging-port=0',
    `--user-data-dir=${profile}`,
  ];
  // Debian's command is a script: the browser is in its process group.
  const browser = spawn(BROWSER ?? '', [...flags, url], { stdio: 'ignore', detached: true });
  const exited = once(browser, 'exit');
  stops.push(async () => {
    process.kill(-(browser.pid ?? 0), 'SIGKILL');
    await exited;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  });
}

test('a page of another site', { timeout: 60_000 }, async (t) => {
  for (const listed of [true, false])
    await t.test(
      listed ? 'that is listed calls, and reads refusals' : 'that is not listed reaches nothing',
      async () => {
        const { origin, report } = await startSite();
        const { server, sidecar } = await start(
          {
            auth: tokens()!,
            edge: { allowedOrigins: [listed ? origin : 'http://localhost:1'] },
          },
          'modern',
        );
        await browse(`${origin}/?server=${encodeURIComponent(sidecar.url)}`);
        const { call, refused } = await report;
        assert.match(call, listed ? /"done"/ : /Failed to fetch/);
        assert.match(refused, listed ? /^401 Bearer realm="mcp"/ : /Failed to fetch/);
        assert.equal(server.fromClients().length > 0, listed);
      },
    );
});
