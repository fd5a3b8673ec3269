import type { KubernetesObject } from '@kubernetes/client-node';
import type { Command } from 'commander';
import { INSTALL_NAMESPACE } from '../../webhook/names.ts';
import type { Deps } from '../deps.ts';
import {
  type DryRun,
  dryRunFlag,
  type GlobalFlags,
  outputFlag,
  parseDurationMs,
  timeoutFlag,
} from '../flags.ts';
import { addCommand } from '../help.ts';
import { applyObject, type Applied, describeApplied, readObject, resourceName } from '../kube/apply.ts';
import type { Cluster } from '../kube/client.ts';
import { checkFormat, printObjects } from '../print/object.ts';
import { createProgress } from '../progress.ts';
import { writeLine } from '../streams.ts';
import { DEFAULT_IMAGE } from '../version.ts';

const FORMATS = ['json', 'yaml', 'name'] as const;
/** Not the webhook's own manager: an apply takes back what its manager had written and now leaves out. */
const INSTALL_MANAGER = 'kubectl-mcp-install';

interface InstallFlags extends GlobalFlags {
  readonly dryRun: DryRun;
  readonly force?: boolean;
  readonly image: string;
  readonly output?: string;
  readonly timeout: string;
  readonly wait: boolean;
}

export function addInstall(program: Command, deps: Deps): void {
  addCommand(program, {
    usage: 'install',
    short: 'Install the webhook into the cluster, or bring it up to date',
    long: `Install the webhook into the cluster, or bring it up to date. Needs the rights of a cluster administrator, and Kubernetes 1.32 or newer.

Everything but the webhook configuration lives in namespace ${INSTALL_NAMESPACE}. The API server asks the webhook for pods with annotations of ours alone; all other pods start as before, whether the webhook is up or not.`,
    examples: `
      # Install, and wait until annotated pods are served
      kubectl mcp install

      # Print what would be applied
      kubectl mcp install --dry-run=client -o yaml

      # Take the image from a registry of your own
      kubectl mcp install --image registry.example.com/kubectl-mcp:0.1.0`,
  })
    .addOption(dryRunFlag())
    .option('--force', 'If true, take over what Helm, Argo CD or Flux installed.')
    .option('--image <image>', 'The image of webhook and sidecar.', DEFAULT_IMAGE)
    .addOption(outputFlag(FORMATS))
    .addOption(timeoutFlag('2m', 'The length of time to wait for the webhook, like 30s or 5m.'))
    .option('--no-wait', 'If true, wait for the webhook to be ready before returning.')
    .action(async (_options, command: Command) => runInstall(command.optsWithGlobals<InstallFlags>(), deps));
}

async function runInstall(flags: InstallFlags, { streams, env, connect, signal }: Deps): Promise<void> {
  const format = checkFormat(flags.output, FORMATS);
  const timeoutMs = parseDurationMs(flags.timeout, '--timeout');
  const { installObjects } = await import('../install/manifest.ts');
  const objects = installObjects(flags.image);
  if (flags.dryRun === 'client' && format && format !== 'name') {
    await printObjects(streams, format, objects);
    return;
  }
  const cluster = await connect(flags, env);
  const [{ checkKubernetesVersion }, { checkOwner }] = await Promise.all([
    import('../install/kubernetes-version.ts'),
    import('../install/owner.ts'),
  ]);
  await checkKubernetesVersion(cluster);
  if (!flags.force) await checkOwner(cluster, 'install');
  const applied: KubernetesObject[] = [];
  for await (const each of applyAll(cluster, objects, flags.dryRun)) {
    applied.push(each.object);
    if (!format) writeLine(streams.out, describeApplied(each, flags.dryRun));
    else if (format === 'name') writeLine(streams.out, resourceName(each.object));
  }
  if (format && format !== 'name') await printObjects(streams, format, applied);
  if (flags.dryRun !== 'none' || !flags.wait) return;
  const [{ waitForWebhook }, { nudgeWaiting }] = await Promise.all([
    import('../install/wait.ts'),
    import('../install/nudge.ts'),
  ]);
  const progress = createProgress(streams);
  await waitForWebhook(cluster, { timeoutMs, progress, signal });
  progress.end();
  const nudged = await nudgeWaiting(cluster);
  if (format) return;
  for (const { kind, metadata } of nudged) {
    const name = `${kind!.toLowerCase()}/${metadata!.name}`;
    writeLine(
      streams.err,
      `${name} -n ${metadata!.namespace} tries again: the webhook was away for its pods.`,
    );
  }
  writeLine(streams.err, 'The webhook is ready. Next: kubectl mcp enable deploy/NAME');
}

async function* applyAll(
  cluster: Cluster,
  objects: readonly KubernetesObject[],
  dryRun: DryRun,
): AsyncGenerator<Applied> {
  const namespace = objects.find((each) => each.kind === 'Namespace');
  // A server-side dry run makes no namespace, and the API server then refuses all that would be in it.
  const isFresh = dryRun === 'server' && namespace && !(await readObject(cluster, namespace));
  for (const object of objects) {
    if (isFresh && object.metadata?.namespace) yield { object, verb: 'created' };
    else yield await applyObject(cluster, object, { dryRun, force: true, fieldManager: INSTALL_MANAGER });
  }
}
