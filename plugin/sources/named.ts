/** Secrets and ConfigMaps that annotations name. Pure. */
import type { V1ObjectMeta } from '@kubernetes/client-node';
import type { AnnotationKey } from '../../webhook/annotations.ts';
import { annotationOf } from '../enable/workload.ts';

export interface NamedSource {
  /** The annotation. */
  readonly key: AnnotationKey;
  readonly kind: 'Secret' | 'ConfigMap';
  readonly name: string;
}

const KINDS = {
  'token-secret': 'Secret',
  'tls-secret': 'Secret',
  'upstream-headers-secret': 'Secret',
  policy: 'ConfigMap',
} as const satisfies Partial<Record<AnnotationKey, NamedSource['kind']>>;

/** Each of them is mounted: without it the pod does not start. */
export const sourcesOf = (template: { metadata?: V1ObjectMeta } | undefined): NamedSource[] =>
  (Object.keys(KINDS) as (keyof typeof KINDS)[]).flatMap((key) => {
    const name = annotationOf(template, key);
    // Left over from an earlier `auth: token`; the webhook refuses it in its own words.
    const idle = key === 'token-secret' && annotationOf(template, 'auth') !== 'token';
    return name === undefined || name === '' || idle ? [] : [{ key, kind: KINDS[key], name }];
  });

/** Of a source among those of several workloads. */
export const sourceKey = ({ key, name }: NamedSource, namespace: string): string =>
  `${key} ${namespace}/${name}`;
