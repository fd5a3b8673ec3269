/** Secrets and ConfigMaps that annotations name. Pure. */
import type { V1ObjectMeta } from '@kubernetes/client-node';
import type { AnnotationKey } from '../../webhook/annotations.ts';
import { wordsOf } from '../../webhook/idle-keys.ts';
import { textsOfServers } from '../../webhook/server-keys.ts';

export interface NamedSource {
  /** The annotation. */
  readonly key: AnnotationKey;
  /** As it stands in the template: of one of several servers, with its name. */
  readonly written: string;
  readonly kind: 'Secret' | 'ConfigMap';
  readonly name: string;
  /** Of the server that it is for. */
  readonly publicUrl?: string;
}

const KINDS = {
  'token-secret': 'Secret',
  'oidc-introspection-secret': 'Secret',
  'tls-secret': 'Secret',
  'mtls-ca-secret': 'Secret',
  'mtls-ca-configmap': 'ConfigMap',
  'upstream-headers-secret': 'Secret',
  'upstream-ca-secret': 'Secret',
  'upstream-ca-configmap': 'ConfigMap',
  'upstream-token-secret': 'Secret',
  'ca-configmap': 'ConfigMap',
  'trusted-actors': 'ConfigMap',
  policy: 'ConfigMap',
  pins: 'ConfigMap',
} as const satisfies Partial<Record<AnnotationKey, NamedSource['kind']>>;

/** Each of them is mounted: without it the pod does not start. */
export function sourcesOf(template: { metadata?: V1ObjectMeta } | undefined): NamedSource[] {
  const { servers } = textsOfServers(template?.metadata?.annotations);
  const all = servers.flatMap(({ texts, server }) =>
    (Object.keys(KINDS) as (keyof typeof KINDS)[]).flatMap((key): NamedSource[] => {
      const name = texts.get(key);
      // Left over from an earlier `auth: token`; the webhook refuses it in its own words.
      const idle = key === 'token-secret' && !wordsOf(texts.get('auth')).includes('token');
      if (name === undefined || name === '' || idle) return [];
      const written = server && !server.shared.includes(key) ? `${server.name}.${key}` : key;
      const publicUrl = texts.get('public-url');
      return [{ key, written, kind: KINDS[key], name, ...(publicUrl === undefined ? {} : { publicUrl }) }];
    }),
  );
  // What is said for all servers stands once.
  return [...new Map(all.map((each) => [`${each.written} ${each.name}`, each])).values()];
}

/** Of a source among those of several workloads. */
export const sourceKey = ({ key, name }: NamedSource, namespace: string): string =>
  `${key} ${namespace}/${name}`;
