/** What containers of stdio servers start, where only their images know it: read from the registry, written down. */
import type { V1Container, V1PodSpec } from '@kubernetes/client-node';
import type { AnnotationKey } from '../../webhook/annotations.ts';
import { parseAnnotations } from '../../webhook/parse-annotations.ts';
import { isStdio } from '../../webhook/request.ts';
import type { InjectionRequest } from '../../webhook/request.ts';
import { type Server, serversOf } from '../../webhook/target.ts';
import { isSameImage } from '../../webhook/warnings.ts';
import type { Cluster } from '../kube/client.ts';
import { localCredentials } from '../registry/credentials.ts';
import { readEntryPoint, referenceOf } from '../registry/entry-point.ts';
import { pullSecretCredentials } from '../registry/pull-secrets.ts';
import { commandOf, imageWithDigest } from './image-command.ts';
import { enabledTemplate, type WantedAnnotations } from './template.ts';
import type { Workload } from './workload.ts';

export interface CommandOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly plainHttp: boolean;
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
}

/**
 * The wanted annotations, completed by the command of each stdio server whose container has none. A command that was
 * read from the image that the container still has, and one that was written by hand, stay as they are.
 * @throws {CliError} that names image, cause and what to do.
 */
export async function findCommands(
  cluster: Cluster,
  workload: Workload,
  wanted: WantedAnnotations,
  options: CommandOptions,
): Promise<WantedAnnotations> {
  const { template } = ((enabledTemplate(workload, wanted)?.after ?? workload) as Workload).spec;
  const parsed = parseAnnotations(template.metadata?.annotations);
  // What is wrong there, the plan says.
  if ('refusals' in parsed || !template.spec) return wanted;
  const servers = serversOf({ metadata: template.metadata ?? {}, spec: template.spec }, parsed.servers);
  if ('refusals' in servers) return wanted;
  let found = wanted;
  for (const server of servers.filter(({ request }) => isStdio(request))) {
    const container = template.spec.containers.find(({ name }) => name === server.target.container)!;
    found = {
      ...found,
      ...(await annotationsFor(server, container, { cluster, spec: template.spec, wanted, options })),
    };
  }
  return found;
}

const WRITE_IT = 'Give --command with what the image starts, a JSON array; nothing is read then';

type Surroundings = {
  cluster: Cluster;
  spec: V1PodSpec;
  wanted: WantedAnnotations;
  options: CommandOptions;
};

async function annotationsFor(
  { request }: Server,
  container: V1Container,
  { cluster, spec, wanted, options }: Surroundings,
): Promise<WantedAnnotations> {
  const [command, image] = [keyOf(request, 'command'), keyOf(request, 'command-image')];
  if ((container.command ?? []).length > 0) return {};
  // By hand: where it came from is not known any more.
  if (wanted[command]) return request['command-image'] && !wanted[image] ? { [image]: '' } : {};
  const read = request['command-image'];
  if (request.command && (read === undefined || isSameImage(read, container.image ?? ''))) return {};
  const name = container.image ?? '';
  options.note(`reading what image ${name} starts`);
  const reference = referenceOf(name);
  const credentials =
    (await localCredentials(reference, options.env)) ??
    (await pullSecretCredentials(cluster, spec, reference));
  const entry = await readEntryPoint(name, { ...options, credentials, otherwise: WRITE_IT });
  return {
    [command]: JSON.stringify(commandOf(entry, container.args)),
    [image]: imageWithDigest(name, entry.digest),
  };
}

const keyOf = (
  { server }: InjectionRequest,
  key: AnnotationKey,
): AnnotationKey | `${string}.${AnnotationKey}` => (server === undefined ? key : `${server.name}.${key}`);
