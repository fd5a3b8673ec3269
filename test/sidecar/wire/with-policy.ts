/** A scripted server behind a sidecar with a policy file, and requests of clients of either era. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeAsKubelet } from '../mounted/write-volume.ts';
import { postModern } from './modern-meta.ts';
import { initialize, post } from './post.ts';
import { stops } from './proxied.ts';
import { startScriptedServer, type ScriptedServer } from './scripted-server.ts';
import { startSidecar, untilHealth, type SidecarOptions, type TestSidecar } from './start-sidecar.ts';
import { play, type World } from './world.ts';

export type Era = 'legacy' | 'modern';

export async function startWith(
  policy: string,
  world: World,
  { era = 'legacy', ...options }: { era?: Era; filter?: object; auth?: SidecarOptions['auth'] } = {},
): Promise<{ server: ScriptedServer; sidecar: TestSidecar; directory: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-policy-'));
  stops.push(() => rmSync(directory, { recursive: true }));
  writeAsKubelet(directory, { 'policy.yaml': policy });
  const { filter, auth } = options;
  const server = await startScriptedServer(0, era);
  stops.push(server.stop);
  // A server without sessions opens none, or nothing would be translated.
  if (era === 'modern')
    server.answers.set(
      'initialize',
      ({ message }, response) =>
        void response
          .writeHead(400, { 'content-type': 'application/json' })
          .end(`{"jsonrpc":"2.0","id":${message?.id as number},"error":{"code":-32601,"message":"none"}}`),
    );
  play(server, world);
  const sidecar = await startSidecar({
    upstreamPort: server.port,
    policy: { source: 'configmap/mcp-policy', directory },
    ...(filter ? { filter: { mode: 'all', ...filter } } : {}),
    ...(auth ? { auth } : {}),
  });
  stops.push(sidecar.stop);
  await untilHealth(sidecar, 'healthy');
  return { server, sidecar, directory };
}

/** One request of a client of the era; the message that answers it. */
export async function ask(
  sidecar: TestSidecar,
  era: Era,
  method: string,
  params: Record<string, unknown>,
  headers: Record<string, string> = {},
): Promise<{ result?: Record<string, unknown>; error?: { code: number; message: string } }> {
  if (era === 'modern') return (await postModern(sidecar.url, method, params, { headers })).last;
  const { body } = await post(sidecar.url, { jsonrpc: '2.0', id: 1, method, params }, headers);
  return JSON.parse(body);
}

/** Servers without sessions are used by clients with them through one of the sidecar's own. */
export const sessionOf = async (
  sidecar: TestSidecar,
  client: Era,
  server: Era,
): Promise<Record<string, string>> =>
  client === 'legacy' && server === 'modern' ? { 'mcp-session-id': await initialize(sidecar.url) } : {};
