/** The ways in which the sidecar is set up for the bench, and what each of them needs. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { currentCertificates } from '../../webhook/certificates.ts';
import { AUDIENCE, createSigningKey, mintToken, startFakeCluster } from '../sidecar/auth/fake-cluster.ts';
import { writeAsKubelet } from '../sidecar/mounted/write-volume.ts';
import type { SidecarKind } from './targets.ts';

/** As in a pod: other directories are read twice before they are believed, which takes 100 ms. */
export function mount(directory: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(directory, { recursive: true });
  writeAsKubelet(directory, files);
}

/** `auth: token`: the kind that all scenarios and budgets are about. */
export function tokenKind(directory: string, token: string): SidecarKind {
  const tokens = join(directory, 'tokens');
  mount(tokens, { bench: token });
  return {
    name: 'sidecar',
    token,
    server: { auth: { mode: 'token', source: 'secret/bench-mcp-tokens', directory: tokens } },
  };
}

/** The same behind TLS: what that costs. */
export async function tlsKind(directory: string, token: string): Promise<SidecarKind> {
  const pair = join(directory, 'tls');
  const certificates = await currentCertificates({}, 'localhost', new Date());
  mount(pair, { 'tls.crt': certificates['tls.crt'], 'tls.key': certificates['tls.key'] });
  const plain = tokenKind(directory, token);
  return {
    ...plain,
    name: 'sidecar, TLS',
    server: { ...plain.server, tls: { source: 'secret/bench-tls', directory: pair } },
    scenarios: ['small'],
  };
}

/** `auth: kubernetes`, the default of users, with an API server that is ours. */
export async function kubernetesKind(): Promise<{ kind: SidecarKind; stop: () => Promise<void> }> {
  const key = await createSigningKey('bench');
  const { apiServer, directory: written, stop } = await startFakeCluster([key]);
  const directory = join(written, 'mounted');
  const read = (name: string) => readFileSync(join(written, name), 'utf8');
  mount(directory, { token: read('token'), 'ca.crt': read('ca.crt') });
  const kind: SidecarKind = {
    name: 'sidecar, kubernetes',
    token: await mintToken(key),
    server: { auth: { mode: 'kubernetes', audience: AUDIENCE, allowPrincipals: ['ns/*'], directory } },
    env: { KUBERNETES_SERVICE_HOST: apiServer.host, KUBERNETES_SERVICE_PORT: String(apiServer.port) },
    scenarios: ['small'],
  };
  return { kind, stop };
}
