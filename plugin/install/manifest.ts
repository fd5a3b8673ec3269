/** The objects of an installation, from `manifests/install.yaml`. */
import { readFileSync } from 'node:fs';
import type { KubernetesObject, V1Deployment } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';
import { CliError } from '../errors.ts';
import { WEBHOOK_NAME } from '../../webhook/names.ts';

/** Put there by the build; the source reads the file beside it. */
declare const INSTALL_YAML: string | undefined;

const IMAGE_ENV = 'KUBECTL_MCP_IMAGE';

/** In the order of application: what others need first, webhook configurations last, so that no pod is refused early. */
export function installObjects(image: string): KubernetesObject[] {
  const text =
    typeof INSTALL_YAML === 'string'
      ? INSTALL_YAML
      : readFileSync(new URL('../../manifests/install.yaml', import.meta.url), 'utf8');
  return orderObjects(parseManifest(text).map((each) => withImage(each, image)));
}

/** @throws {CliError} when a document is not a Kubernetes object. */
export function parseManifest(text: string): KubernetesObject[] {
  return parseAllDocuments(text, { version: '1.1' })
    .map((document) => document.toJS() as KubernetesObject | null)
    .filter((each) => each !== null)
    .flatMap((each) => (each.kind === 'List' ? ((each as KubernetesList).items ?? []) : [each]))
    .map((each) => {
      if (each.kind && each.apiVersion && each.metadata?.name) return each;
      throw new CliError('the manifest holds a document that is not a Kubernetes object');
    });
}

type KubernetesList = KubernetesObject & { items?: KubernetesObject[] };

const FIRST = [
  'Namespace',
  'ServiceAccount',
  'Secret',
  'ConfigMap',
  'ClusterRole',
  'Role',
  'ClusterRoleBinding',
  'RoleBinding',
];
const LAST = ['Deployment', 'ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'];

/** Stable: objects of one kind stay as they stand. */
export const orderObjects = (objects: readonly KubernetesObject[]): KubernetesObject[] =>
  objects.toSorted((a, b) => rank(a) - rank(b));

function rank({ kind = '' }: KubernetesObject): number {
  if (FIRST.includes(kind)) return FIRST.indexOf(kind);
  return LAST.includes(kind) ? FIRST.length + 1 + LAST.indexOf(kind) : FIRST.length;
}

/** The webhook's image is the sidecar's too; it learns it from its environment. */
function withImage(object: KubernetesObject, image: string): KubernetesObject {
  if (object.kind !== 'Deployment' || object.metadata?.name !== WEBHOOK_NAME) return object;
  const copy = structuredClone(object) as V1Deployment;
  for (const container of copy.spec?.template.spec?.containers ?? []) {
    container.image = image;
    for (const variable of container.env ?? []) if (variable.name === IMAGE_ENV) variable.value = image;
  }
  return copy;
}
