/** A provider, and a sidecar that takes its tokens: `open` for each of them, `admin` for those with one scope more. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../conformance/ports.ts';
import { startProvider, type ProviderOptions, type TestProvider } from '../../rig/oidc-provider.ts';
import { writeAsKubelet } from '../mounted/write-volume.ts';
import { start, stops } from './proxied.ts';
import type { ScriptedServer } from './scripted-server.ts';
import type { SidecarOptions, TestSidecar } from './start-sidecar.ts';
import { play, worldOf } from './world.ts';

export const POLICY = `version: 1
tools:
  scopes:
    - {tools: [admin], scopes: [mcp:admin], visible: true}
    - {tools: [hidden], scopes: [mcp:admin]}`;

export interface OAuthWorld {
  readonly provider: TestProvider;
  readonly server: ScriptedServer;
  readonly sidecar: TestSidecar;
  /** What the sidecar calls itself, and tokens are for. */
  readonly resource: string;
}

/** @param publicUrl of the port that is listened on */
export async function startOAuth({
  era = 'modern',
  auth = {},
  edge = {},
  policy = POLICY,
  publicUrl = (port) => `http://127.0.0.1:${port}/mcp`,
  provided = {},
  names = ['open', 'admin', 'hidden'],
  ...options
}: {
  era?: 'legacy' | 'modern';
  auth?: object;
  edge?: SidecarOptions['edge'];
  policy?: string;
  publicUrl?: (port: number) => string | undefined;
  provided?: ProviderOptions;
  /** Tools, and what else the server has. */
  names?: readonly string[];
} & Partial<Pick<SidecarOptions, 'apiServer' | 'upstreamPath' | 'upstreamPort'>> = {}): Promise<OAuthWorld> {
  const provider = await startProvider(provided);
  stops.push(provider.stop);
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-oauth-'));
  stops.push(() => rmSync(directory, { recursive: true }));
  writeAsKubelet(directory, { 'policy.yaml': policy });
  const [listenPort] = (await freePorts(1)) as [number];
  const url = publicUrl(listenPort);
  const resource = url ?? `http://127.0.0.1:${listenPort}/mcp`;
  const { server, sidecar } = await start(
    {
      ...options,
      listenPort,
      policy: { source: 'configmap/mcp-policy', directory },
      auth: {
        mode: 'oidc',
        issuer: provider.issuer,
        audiences: [resource],
        requiredScopes: ['mcp:tools'],
        ...auth,
      },
      edge: { ...edge, ...(url === undefined ? {} : { publicUrl: url }) },
    },
    era,
  );
  play(server, worldOf(names));
  return { provider, server, sidecar, resource };
}
