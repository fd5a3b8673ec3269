/** NAME on the command line → the Secret that holds the tokens of its callers. */
import { wordsOf } from '../../webhook/idle-keys.ts';
import { textsOfServers } from '../../webhook/server-keys.ts';
import { CliError } from '../errors.ts';
import type { Cluster } from '../kube/client.ts';
import { findWorkload, type TargetFlags } from '../kube/target.ts';
import { parseWorkloadName } from '../kube/workloads.ts';

export interface TokenSecret {
  /** `deployment/x`, for messages. */
  readonly title: string;
  /** Of the workload: the label of what is made for it. */
  readonly instance: string;
  readonly namespace: string;
  readonly name: string;
}

/** By the template, so that it is found where no pod runs. @throws {CliError} where its callers show something else. */
export async function findTokenSecret(
  cluster: Cluster,
  argument: string,
  { mcpServer }: TargetFlags,
): Promise<TokenSecret> {
  const wanted = parseWorkloadName(argument);
  const { namespace } = cluster;
  const found =
    wanted.kind === 'Pod'
      ? {
          kind: 'Pod',
          metadata: (await cluster.core.readNamespacedPod({ namespace, name: wanted.name })).metadata!,
        }
      : await findWorkload(cluster, wanted);
  const title = `${found.kind.toLowerCase()}/${wanted.name}`;
  const annotations =
    'spec' in found ? found.spec.template.metadata?.annotations : found.metadata.annotations;
  const { servers } = textsOfServers(annotations);
  const chosen =
    mcpServer === undefined ? servers : servers.filter(({ server }) => server?.name === mcpServer);
  const names = servers.flatMap(({ server }) => server?.name ?? []).join(', ');
  if (chosen.length === 0)
    throw new CliError(`${title} has no server "${mcpServer}"; it has: ${names || 'one without a name'}`);
  const taking = chosen.filter(({ texts }) => wordsOf(texts.get('auth')).includes('token'));
  const secrets = new Set(taking.flatMap(({ texts }) => texts.get('token-secret') || []));
  const [name] = secrets;
  if (secrets.size > 1)
    throw new CliError(`${title} has several servers: ${names}\nChoose one: --mcp-server NAME`);
  if (name !== undefined) return { title, instance: found.metadata.name ?? wanted.name, namespace, name };
  const volume = taking.map(({ texts }) => texts.get('token-volume')).find((each) => each !== undefined);
  if (volume !== undefined)
    throw new CliError(
      `${title} takes tokens from volume ${volume} of its pods, which another tool fills\nChange them there`,
    );
  const auth = chosen[0]!.texts.get('auth') ?? 'kubernetes';
  throw new CliError(
    `${title} in namespace ${namespace} has auth ${auth}, not token\nLet it take tokens: kubectl mcp enable ${title} -n ${namespace} --auth ${auth === 'none' ? 'token' : `${auth},token`}`,
  );
}
