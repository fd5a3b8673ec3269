/** Objects that a repository decides on: it is told what to change, and the cluster is left as it is. */
import type { KubernetesObject, V1Secret } from '@kubernetes/client-node';
import { keysSecretName } from '../../webhook/names.ts';
import { formatJson, formatYaml } from '../print/object.ts';
import type { Streams } from '../streams.ts';
import { type Plan, templateChangeOf } from './change.ts';
import { type Owned, ownedBy, type RepositoryDocument, repositoryDocuments } from './gitops-patch.ts';
import { FIRST_CALLER } from './secrets.ts';

/** By its target kustomize finds an object whether the namespace stands in it or in the kustomization. */
const patchOf = ({ name, body }: RepositoryDocument): string =>
  `\`patches\` of kustomize, with target: { kind: ${(body as KubernetesObject).kind}, name: ${name.split('/')[1]} }`;

const HEADS = {
  patch: (document) => `A patch: ${patchOf(document)}`,
  new: () => 'New: `resources` of kustomize',
  delete: (document) => `To be deleted, where the repository has it: ${patchOf(document)}`,
} satisfies Record<RepositoryDocument['kind'], (document: RepositoryDocument) => string>;

/** @returns undefined where nobody else decides on what the plan changes. */
export const ownersText = (plan: Plan): string | undefined => {
  const owned = ownedBy(plan);
  if (owned.length === 0) return undefined;
  const owners = Object.entries(Object.groupBy(owned, (each: Owned) => each.owner));
  return owners
    .map(([owner, objects = []]) => {
      const names = objects.map((each) => each.name).join(', ');
      return `${names} ${objects.length === 1 ? 'belongs' : 'belong'} to ${owner}`;
    })
    .join('; ');
};

/** Documents to stdout, so that they can go to a file as they are. */
export async function printForRepository(
  streams: Streams,
  plan: Plan,
  format: 'json' | 'yaml',
): Promise<void> {
  const documents = repositoryDocuments(plan);
  if (format === 'json') {
    const items = documents.map((each) => each.body);
    streams.out.write(formatJson({ apiVersion: 'v1', kind: 'List', items }));
    return;
  }
  const texts = documents.map(async (each) => `# ${HEADS[each.kind](each)}\n${await formatYaml(each.body)}`);
  streams.out.write((await Promise.all(texts)).join('---\n'));
}

/** What a person has to know to use them. */
export function repositoryAdvice(plan: Plan): string[] {
  const documents = repositoryDocuments(plan);
  const services = documents.filter((each) => each.kind === 'patch' && each.name.startsWith('service/'));
  const later = services.map((each) => each.name).join(', ');
  const isEnabling = documents.some((each) => each.kind === 'new');
  return [
    `The patch for the repository is on stdout: ${documents.map(wordOf).join(', ')}`,
    ...(templateChangeOf(plan) && services.length > 0
      ? [
          isEnabling
            ? `Commit ${later} when the pods have the proxy: until then its port answers nobody`
            : `Commit ${later} first, and the template when callers are led to the server again`,
        ]
      : []),
    ...(plan.closes
      ? [
          'Commit the annotations of lockdown last, when Services lead to the proxy: from then on the port answers nobody else',
        ]
      : []),
    ...(plan.opens
      ? [
          'Commit the template without the annotations of lockdown first, so that the port answers Services again',
        ]
      : []),
    ...plan.before.flatMap(({ before, after }) =>
      !before && after?.kind === 'Secret' ? [fillSecret(after as V1Secret)] : [],
    ),
  ];
}

const WORDS = { patch: '', new: ' (new)', delete: ' (to be deleted)' } as const;
const wordOf = ({ kind, name }: RepositoryDocument): string => `${name}${WORDS[kind]}`;

/** Tools of deployment leave data alone that their manifest does not have. */
function fillSecret({ metadata }: V1Secret): string {
  const { name = '', namespace, labels } = metadata!;
  const isKeys = name === keysSecretName(labels?.['app.kubernetes.io/instance'] ?? '');
  const data = isKeys
    ? `{"data":{"session":"'$(openssl rand -base64 32)'"}}`
    : `{"stringData":{"${FIRST_CALLER}":"'$(openssl rand -hex 32)'"}}`;
  return `secret/${name} comes without data; fill it once: kubectl patch secret ${name} -n ${namespace} -p '${data}'`;
}
