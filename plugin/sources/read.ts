/** What a Secret or ConfigMap holds, as far as its use can be judged by it; no secret value is kept. */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import type { PolicyFile } from '../../sidecar/filter/policy-schema.ts';
import { readAuthorities } from '../../sidecar/upstream/read-authorities.ts';
import type { Cluster } from '../kube/client.ts';
import { isNotFound } from '../kube/errors.ts';
import type { NamedSource } from './named.ts';
import type { TokenFacts } from './token-facts.ts';

export interface SourceFacts {
  readonly keys: readonly string[];
  /** Of a Secret. */
  readonly type?: string;
  /** Of a Secret for TLS: the certificate in PEM, or why it cannot be served. */
  readonly certificate?: { readonly pem: string } | { readonly fault: string };
  /** As the proxy reads tokens, headers and the policy; absent where there is nothing to read. Without values. */
  readonly contentFaults?: readonly string[];
  /** Of a Secret with tokens. */
  readonly tokens?: readonly TokenFacts[];
  /** Of a policy: its patterns of tools, by where they stand. */
  readonly toolPatterns?: readonly { readonly where: string; readonly glob: string }[];
}

/** Null: there is none. */
export async function readSource(
  cluster: Cluster,
  { key, kind, name }: NamedSource,
  namespace: string,
): Promise<SourceFacts | null> {
  try {
    if (kind === 'ConfigMap') {
      const { data = {} } = await cluster.core.readNamespacedConfigMap({ namespace, name });
      if (key === 'pins') return pinsFacts(data);
      if (key === 'trusted-actors') return actorsFacts(data);
      if (key === 'mtls-ca-configmap')
        return { keys: Object.keys(data), contentFaults: await clientAuthorityFaults(filesOf(data)) };
      return key.endsWith('ca-configmap') ? authorityFacts(data) : configMapFacts(data);
    }
    const { data = {}, type } = await cluster.core.readNamespacedSecret({ namespace, name });
    const keys = Object.keys(data);
    const held = key === 'tls-secret' ? { certificate: certificateIn(data) } : await contentIn(key, data);
    return { keys, ...(type !== undefined && { type }), ...held };
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

export async function configMapFacts(data: Readonly<Record<string, string>>): Promise<SourceFacts> {
  const { POLICY_KEY, readPolicy } = await import('../../sidecar/filter/read-policy.ts');
  const { compileRule } = await import('../../sidecar/filter/rules.ts');
  const text = data[POLICY_KEY];
  const read = text === undefined ? undefined : readPolicy(text, compileRule);
  return {
    keys: Object.keys(data),
    ...(read && ('faults' in read ? { contentFaults: read.faults } : policyFacts(read.policy))),
  };
}

const policyFacts = ({ tools, rules = [] }: PolicyFile) => ({
  contentFaults: [],
  toolPatterns: [
    ...(['allow', 'deny'] as const).flatMap((key) => patterns(`tools.${key}`, tools[key])),
    ...(tools.hints ?? []).flatMap((each) => patterns('tools.hints', each.tools)),
    ...(tools.scopes ?? []).flatMap((each) => patterns('tools.scopes', each.tools)),
    ...rules.flatMap((each) => patterns(`rules.${each.name}`, each.tools)),
  ],
});

const patterns = (where: string, globs: readonly string[] = []) => globs.map((glob) => ({ where, glob }));

async function pinsFacts(data: Readonly<Record<string, string>>): Promise<SourceFacts> {
  const { PINS_KEY, readPins } = await import('../../sidecar/pins/pins-schema.ts');
  const text = data[PINS_KEY];
  const read = text === undefined ? undefined : readPins(text);
  return { keys: Object.keys(data), ...(read && { contentFaults: 'faults' in read ? read.faults : [] }) };
}

async function actorsFacts(data: Readonly<Record<string, string>>): Promise<SourceFacts> {
  const { readActors } = await import('../../sidecar/auth/assertions/read-actors.ts');
  return { keys: Object.keys(data), contentFaults: readActors(filesOf(data)).faults };
}

const filesOf = (data: Readonly<Record<string, string>>): ReadonlyMap<string, Buffer> =>
  new Map(Object.entries(data).map(([name, value]) => [name, Buffer.from(value)]));

/** @param data of a ConfigMap */
const authorityFacts = (data: Readonly<Record<string, string>>): SourceFacts => ({
  keys: Object.keys(data),
  contentFaults: faultsIn(filesOf(data)),
});

function faultsIn(files: ReadonlyMap<string, Buffer>): readonly string[] {
  const read = readAuthorities(files);
  return 'faults' in read ? read.faults : [];
}

async function clientAuthorityFaults(files: ReadonlyMap<string, Buffer>): Promise<readonly string[]> {
  const { readClientAuthorities } = await import('../../sidecar/auth/mtls/read-client-authorities.ts');
  const read = readClientAuthorities(files);
  return 'faults' in read ? read.faults : [];
}

/** @param data as the API server gives it: base64. */
export async function contentIn(
  key: NamedSource['key'],
  data: Readonly<Record<string, string>>,
): Promise<Pick<SourceFacts, 'tokens'> & { contentFaults: readonly string[] }> {
  const files = new Map(Object.entries(data).map(([name, value]) => [name, Buffer.from(value, 'base64')]));
  if (key === 'mtls-ca-secret') return { contentFaults: await clientAuthorityFaults(files) };
  if (key === 'upstream-ca-secret') return { contentFaults: faultsIn(files) };
  if (key === 'oidc-introspection-secret' || key === 'upstream-token-secret') {
    const { readClient } = await import('../../sidecar/outbound/oauth-client.ts');
    const client = readClient(files);
    return { contentFaults: 'faults' in client ? client.faults : [] };
  }
  if (key === 'token-secret') {
    const { readTokens } = await import('../../sidecar/auth/read-tokens.ts');
    const { tokenFactsIn } = await import('./token-facts.ts');
    const tokens = readTokens(files);
    return { contentFaults: 'faults' in tokens ? tokens.faults : [], tokens: tokenFactsIn(files) };
  }
  const read = (await import('../../sidecar/upstream/read-headers.ts')).readHeaders(files);
  return { contentFaults: 'faults' in read ? read.faults : [] };
}

/** @param data as the API server gives it: base64. */
export function certificateIn(data: Readonly<Record<string, string>>): { pem: string } | { fault: string } {
  const [pem, key] = ['tls.crt', 'tls.key'].map((each) =>
    Buffer.from(data[each] ?? '', 'base64').toString('utf8'),
  ) as [string, string];
  for (const [name, text] of [
    ['tls.crt', pem],
    ['tls.key', key],
  ] as const) {
    if (text === '') return { fault: `it has no key ${name}` };
  }
  const leaf = attempt(() => new X509Certificate(pem));
  if (!leaf) return { fault: 'tls.crt is not a certificate in PEM' };
  const privateKey = attempt(() => createPrivateKey(key));
  if (!privateKey) return { fault: 'tls.key is not a private key in PEM, without a passphrase' };
  return leaf.checkPrivateKey(privateKey)
    ? { pem: leaf.toString() }
    : { fault: 'tls.key is not the key of the first certificate in tls.crt' };
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
