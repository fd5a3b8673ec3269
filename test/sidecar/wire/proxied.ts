/** A scripted server behind the sidecar, both stopped after each test. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'node:test';
import { startScriptedServer, type ScriptedServer } from './scripted-server.ts';
import { startSidecar, untilHealth, type SidecarOptions, type TestSidecar } from './start-sidecar.ts';

export const stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

/** @param era that the server speaks */
export async function start(
  options: Partial<SidecarOptions> = {},
  era: 'legacy' | 'modern' = 'legacy',
): Promise<{ server: ScriptedServer; sidecar: TestSidecar }> {
  const server = await startScriptedServer(0, era);
  stops.push(server.stop);
  const sidecar = await startSidecar({ upstreamPort: server.port, ...options });
  stops.push(sidecar.stop);
  await untilHealth(sidecar, 'healthy');
  return { server, sidecar };
}

/** Token auth with callers alice and bob. */
export function tokens(): SidecarOptions['auth'] {
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-wire-'));
  for (const name of ['alice', 'bob']) writeFileSync(join(directory, name), `token-of-${name}`);
  stops.push(() => rmSync(directory, { recursive: true }));
  return { mode: 'token', source: 'secret/mcp-tokens', directory };
}
export const as = (name: string) => ({ authorization: `Bearer token-of-${name}` });
export const LIST = { jsonrpc: '2.0', id: 7, method: 'tools/list' };
export const MODERN_META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};
