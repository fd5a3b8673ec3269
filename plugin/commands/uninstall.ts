import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesObject } from '@kubernetes/client-node';
import type { Command } from 'commander';
import { REVISION_LABEL } from '../../webhook/names.ts';
import type { Deps } from '../deps.ts';
import { checkInstalled } from '../enable/preflight.ts';
import { CliError } from '../errors.ts';
import { type DryRun, dryRunFlag, type GlobalFlags, parseDurationMs, timeoutFlag } from '../flags.ts';
import { addCommand } from '../help.ts';
import {
  awakeRevisions,
  installedRevisions,
  leaveToRevisions,
  namespacesOf,
} from '../install/apply-revision.ts';
import { deleteObject, describeApplied, readObject } from '../kube/apply.ts';
import type { Cluster } from '../kube/client.ts';
import { listWorkloads } from '../kube/workloads.ts';
import { isMcpServer } from '../model.ts';
import { createProgress } from '../progress.ts';
import { confirm } from '../prompt.ts';
import { type Streams, writeLine } from '../streams.ts';
import { DEFAULT_IMAGE } from '../version.ts';

interface UninstallFlags extends GlobalFlags {
  readonly dryRun: DryRun;
  readonly force?: boolean;
  readonly revision?: string;
  readonly timeout: string;
  readonly wait: boolean;
  readonly yes?: boolean;
}

export function addUninstall(program: Command, deps: Deps): void {
  addCommand(program, {
    usage: 'uninstall',
    short: 'Remove the webhook from the cluster',
    long: `Remove the webhook from the cluster: the webhook configuration first, so that no pod waits for a webhook that is gone.

Sidecars that run go on. But pods of annotated workloads that start afterwards get none: their servers then run without authentication, filter and audit. Disable those workloads first ("kubectl mcp disable").`,
    examples: `
      # Remove the webhook; asks when workloads are still annotated
      kubectl mcp uninstall

      # Remove a revision; namespaces that still ask for it are the default's then
      kubectl mcp uninstall --revision canary --yes

      # Show what would be deleted
      kubectl mcp uninstall --dry-run=client`,
  })
    .addOption(dryRunFlag())
    .option('--force', 'If true, remove what Helm, Argo CD or Flux installed, too.')
    .option('--revision <name>', 'The name of the webhook beside the default that is to be removed.')
    .addOption(timeoutFlag('1m', 'The length of time to wait until all is gone, like 30s or 5m.'))
    .option('--no-wait', 'If true, wait for resources to be gone before returning.')
    .option('-y, --yes', 'If true, do not ask when workloads are still annotated.')
    .action(async (_options, command: Command) =>
      runUninstall(command.optsWithGlobals<UninstallFlags>(), deps),
    );
}

async function runUninstall(flags: UninstallFlags, { streams, env, connect, signal }: Deps): Promise<void> {
  const timeoutMs = parseDurationMs(flags.timeout, '--timeout');
  const cluster = await connect(flags, env);
  const [{ installObjects }, { checkOwner }, { checkRevision, revisionObjects }] = await Promise.all([
    import('../install/manifest.ts'),
    import('../install/owner.ts'),
    import('../install/revision.ts'),
  ]);
  if (flags.revision !== undefined) checkRevision(flags.revision);
  const { revision } = flags;
  const all = installObjects(DEFAULT_IMAGE);
  const objects = (revision === undefined ? all : revisionObjects(all, revision)).toReversed();
  if (!flags.force) await checkOwner(cluster, revision === undefined ? 'uninstall' : 'revision');
  if (revision === undefined) {
    await checkRevisions(cluster);
    await checkLeftovers(cluster, flags, streams);
  } else {
    await checkNamespaces(cluster, revision, flags, streams);
    const others = (await awakeRevisions(cluster)).filter((each) => each !== revision);
    for await (const each of leaveToRevisions(cluster, others, flags.dryRun))
      writeLine(streams.out, describeApplied(each, flags.dryRun));
  }
  const deleted: KubernetesObject[] = [];
  for (const object of objects) {
    const result = await deleteObject(cluster, object, { dryRun: flags.dryRun });
    if (!result) continue;
    deleted.push(object);
    writeLine(streams.out, describeApplied(result, flags.dryRun));
  }
  if (deleted.length === 0) writeLine(streams.err, 'No resources found: the webhook is not installed.');
  if (flags.dryRun === 'none' && flags.wait)
    await waitUntilGone(cluster, deleted, { streams, timeoutMs, signal });
}

/** Their namespaces would have nobody left: all that is theirs lies in the namespace that goes. */
async function checkRevisions(cluster: Cluster): Promise<void> {
  const names = (await installedRevisions(cluster)).map((each) => each.name);
  if (names.length === 0) return;
  throw new CliError(
    `${names.length === 1 ? 'revision' : 'revisions'} ${names.join(', ')} would be left without the default\nRemove ${names.length === 1 ? 'it' : 'them'} first: ${names.map((each) => `kubectl mcp uninstall --revision ${each}`).join('; ')}`,
  );
}

/** From then on the default injects there. */
async function checkNamespaces(
  cluster: Cluster,
  revision: string,
  flags: UninstallFlags,
  streams: Streams,
): Promise<void> {
  await checkInstalled(cluster);
  const asking = await namespacesOf(cluster, revision);
  if (asking.length === 0) return;
  const text = `${asking.length === 1 ? 'namespace' : 'namespaces'} ${asking.join(', ')} ${asking.length === 1 ? 'asks' : 'ask'} for revision ${revision}`;
  if (flags.yes || flags.dryRun !== 'none') {
    writeLine(streams.err, `Warning: ${text}: the default webhook injects there from now on`);
    return;
  }
  throw new CliError(
    `${text}\nTake the label off (kubectl label namespace ${asking[0]} ${REVISION_LABEL}-), or give --yes: then the default webhook injects there`,
  );
}

async function checkLeftovers(cluster: Cluster, flags: UninstallFlags, streams: Streams): Promise<void> {
  const left = (await listWorkloads(cluster, {})).filter(isMcpServer);
  if (left.length === 0) return;
  const names = left.map(
    ({ kind, metadata }) => `  ${kind.toLowerCase()}/${metadata.name} -n ${metadata.namespace}`,
  );
  writeLine(
    streams.err,
    `Warning: ${left.length === 1 ? 'this workload is' : 'these workloads are'} still annotated. Pods that start from now on get no sidecar: no authentication, no filter, no audit, and Services that lead to the sidecar lead nowhere.\n${names.join('\n')}`,
  );
  if (flags.dryRun !== 'none' || flags.yes) return;
  if (await confirm(streams, 'Remove the webhook all the same?')) return;
  throw new CliError(
    'nothing was removed\nDisable the workloads first (kubectl mcp disable NAME -n NAMESPACE), or repeat with --yes',
  );
}

async function waitUntilGone(
  cluster: Cluster,
  objects: readonly KubernetesObject[],
  { streams, timeoutMs, signal }: { streams: Streams; timeoutMs: number; signal: AbortSignal },
): Promise<void> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const progress = createProgress(streams);
  // The namespace goes last, and everything in it before.
  for (const object of objects.filter((each) => each.kind === 'Namespace')) {
    while (await readObject(cluster, object)) {
      if (timeout.aborted || signal.aborted) {
        progress.end();
        throw new CliError(`timed out waiting until namespace/${object.metadata?.name} is gone`);
      }
      progress.update(`Waiting until namespace/${object.metadata?.name} is gone`);
      await sleep(1_000, undefined, { signal }).catch(() => undefined);
    }
  }
  progress.end();
}
