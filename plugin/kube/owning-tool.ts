/** Which tool of deployment an object belongs to, by the mark that the tool itself leaves on it. */
import type { KubernetesObject } from '@kubernetes/client-node';

type Found = (marks: Readonly<Record<string, string | undefined>>) => string | undefined;

const TOOLS: readonly Found[] = [
  (marks) => describe('the Helm release', marks['meta.helm.sh/release-name']),
  // APPLICATION:GROUP/KIND:NAMESPACE/NAME
  (marks) => describe('the Argo CD application', marks['argocd.argoproj.io/tracking-id']?.split(':')[0]),
  (marks) => describe('the Argo CD application', marks['argocd.argoproj.io/instance']),
  (marks) => describe('the Flux Kustomization', marks['kustomize.toolkit.fluxcd.io/name']),
  (marks) => describe('the Flux HelmRelease', marks['helm.toolkit.fluxcd.io/name']),
];

/** Like `the Helm release web`; Flux before the Helm that it drives. Undefined: nobody's. */
export function owningTool({ metadata }: KubernetesObject): string | undefined {
  const marks = { ...metadata?.annotations, ...metadata?.labels };
  const found = TOOLS.map((each) => each(marks)).filter((each) => each !== undefined);
  return found.at(-1) ?? argoByLabel(metadata);
}

/** Argo CD before 3.0 marks by a label that many others set: who wrote the object tells. */
function argoByLabel(metadata: KubernetesObject['metadata']): string | undefined {
  if (!metadata?.managedFields?.some(({ manager }) => manager === 'argocd-controller')) return undefined;
  return describe('the Argo CD application', metadata.labels?.['app.kubernetes.io/instance']) ?? 'Argo CD';
}

const describe = (what: string, name: string | undefined): string | undefined =>
  name ? `${what} ${name}` : undefined;
