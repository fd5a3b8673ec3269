import type { Command } from 'commander';
import { INSTALL_NAMESPACE, SIDECAR_CONTAINER, WEBHOOK_NAME } from '../../webhook/names.ts';
import type { Deps } from '../deps.ts';
import { type GlobalFlags, outputFlag } from '../flags.ts';
import { addCommand } from '../help.ts';
import type { Cluster } from '../kube/client.ts';
import { isForbidden, isNotFound } from '../kube/errors.ts';
import { checkFormat, formatJson, formatYaml } from '../print/object.ts';
import { writeLine } from '../streams.ts';
import { readInstalled } from '../upgrade/installed.ts';
import { VERSION } from '../version.ts';

interface VersionFlags extends GlobalFlags {
  readonly client?: boolean;
  readonly output?: string;
}

interface Versions {
  readonly clientVersion: string;
  /** Absent with `--client`; null when nothing is installed. */
  readonly webhookVersion?: string | null;
  /** Of webhooks beside the default, by name; absent where there is none, or the user may not look. */
  readonly revisionVersions?: Record<string, string>;
  /** Versions of the sidecars that run now, and how many pods have each. */
  readonly sidecarVersions?: Record<string, number>;
}

export function addVersion(program: Command, deps: Deps): void {
  addCommand(program, {
    usage: 'version',
    short: 'Print the versions of the client, the webhook and the sidecars in use',
    examples: `
      # Print the versions of client, webhook and sidecars
      kubectl mcp version

      # Print the client's version alone; needs no cluster
      kubectl mcp version --client`,
  })
    .option('--client', 'If true, shows client version only (no server required).')
    .addOption(outputFlag(['json', 'yaml']))
    .action(async (_options, command: Command) => runVersion(command.optsWithGlobals<VersionFlags>(), deps));
}

async function runVersion(flags: VersionFlags, { streams, env, connect }: Deps): Promise<void> {
  const format = checkFormat(flags.output, ['json', 'yaml']);
  const versions: Versions = { clientVersion: VERSION, ...(flags.client ? {} : await inCluster()) };
  if (format === 'json') streams.out.write(formatJson(versions));
  else if (format === 'yaml') streams.out.write(await formatYaml(versions));
  else for (const line of describe(versions)) writeLine(streams.out, line);

  async function inCluster(): Promise<Omit<Versions, 'clientVersion'>> {
    const cluster = await connect(flags, env);
    try {
      return {
        webhookVersion: await webhookVersion(cluster),
        ...(await revisionVersions(cluster)),
        sidecarVersions: await sidecarVersions(cluster),
      };
    } catch (error) {
      // kubectl too prints what it knows before it fails.
      if (!format) writeLine(streams.out, `Client Version: ${VERSION}`);
      throw error;
    }
  }
}

function describe({
  clientVersion,
  webhookVersion: webhook,
  revisionVersions: revisions = {},
  sidecarVersions: sidecars,
}: Versions): string[] {
  const lines = [`Client Version: ${clientVersion}`];
  if (webhook !== undefined) {
    lines.push(`Webhook Version: ${webhook ?? 'not installed (see `kubectl mcp install -h`)'}`);
  }
  for (const [revision, version] of Object.entries(revisions)) {
    lines.push(`Webhook Version of Revision ${revision}: ${version}`);
  }
  if (sidecars) {
    const counted = Object.entries(sidecars).map(
      ([version, pods]) => `${version} (${pods} ${pods === 1 ? 'pod' : 'pods'})`,
    );
    lines.push(`Sidecar Versions: ${counted.join(', ') || 'none in use'}`);
  }
  return lines;
}

async function webhookVersion(cluster: Cluster): Promise<string | null> {
  try {
    const found = await cluster.apps.readNamespacedDeployment({
      name: WEBHOOK_NAME,
      namespace: INSTALL_NAMESPACE,
    });
    return imageVersion(found.spec?.template.spec?.containers[0]?.image);
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

async function revisionVersions(cluster: Cluster): Promise<Pick<Versions, 'revisionVersions'>> {
  try {
    const { webhooks } = await readInstalled(cluster);
    const found = webhooks.flatMap(({ revision, image }) =>
      revision === undefined ? [] : [[revision, imageVersion(image)] as const],
    );
    return found.length > 0 ? { revisionVersions: Object.fromEntries(found) } : {};
  } catch (error) {
    if (isForbidden(error)) return {};
    throw error;
  }
}

async function sidecarVersions(cluster: Cluster): Promise<Record<string, number>> {
  const { items } = await listPods(cluster);
  const counts: Record<string, number> = {};
  for (const pod of items) {
    const sidecar = pod.spec?.initContainers?.find((each) => each.name === SIDECAR_CONTAINER);
    if (!sidecar) continue;
    const version = imageVersion(sidecar.image);
    counts[version] = (counts[version] ?? 0) + 1;
  }
  return counts;
}

// Without the right to list pods everywhere, what the namespace shows is better than nothing.
async function listPods({ core, namespace }: Cluster): ReturnType<Cluster['core']['listNamespacedPod']> {
  try {
    return await core.listPodForAllNamespaces();
  } catch (error) {
    if (isForbidden(error)) return core.listNamespacedPod({ namespace });
    throw error;
  }
}

function imageVersion(image = ''): string {
  const [name, digest] = image.split('@');
  const tag = /:([^:/]+)$/.exec(name ?? '')?.[1];
  return tag ?? digest ?? (image || '<unknown>');
}
