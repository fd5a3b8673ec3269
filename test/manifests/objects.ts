/** What manifests say, without how they say it. */
import type { KubernetesObject } from '@kubernetes/client-node';
import { parseManifest } from '../../plugin/install/manifest.ts';

const keyOf = ({ kind, metadata }: KubernetesObject): string =>
  `${kind} ${metadata?.namespace ?? ''}/${metadata?.name}`;

/** By kind and name; two of the same are an error, for the second would be lost. */
export function objectsIn(text: string): Record<string, KubernetesObject> {
  const objects = parseManifest(text);
  const found = Object.fromEntries(objects.map((each) => [keyOf(each), each]));
  if (Object.keys(found).length !== objects.length) throw new Error('an object stands there twice');
  return found;
}
