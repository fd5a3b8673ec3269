import type { KubernetesObject } from '@kubernetes/client-node';
import type { Command } from 'commander';
import { INSTALL_NAMESPACE, installNames, REVISION_LABEL } from '../../webhook/names.ts';
import type { Deps } from '../deps.ts';
import { checkInstalled } from '../enable/preflight.ts';
import { usageError } from '../errors.ts';
import {
  type DryRun,
  dryRunFlag,
  type GlobalFlags,
  outputFlag,
  parseDurationMs,
  timeoutFlag,
} from '../flags.ts';
import { addCommand } from '../help.ts';
import { describeApplied, resourceName } from '../kube/apply.ts';
import { checkFormat, printObjects } from '../print/object.ts';
import { createProgress } from '../progress.ts';
import { writeLine } from '../streams.ts';
import { DEFAULT_IMAGE } from '../version.ts';

const FORMATS = ['json', 'yaml', 'name'] as const;

interface InstallFlags extends GlobalFlags {
  readonly dryRun: DryRun;
  readonly force?: boolean;
  readonly image: string;
  readonly output?: string;
  readonly revision?: string;
  readonly timeout: string;
  readonly wait: boolean;
}

export function addInstall(program: Command, deps: Deps): void {
  addCommand(program, {
    usage: 'install',
    short: 'Install the webhook into the cluster, or bring it up to date',
    long: `Install the webhook into the cluster, or bring it up to date. Needs the rights of a cluster administrator, and Kubernetes 1.32 or newer.

Everything but the webhook configuration lives in namespace ${INSTALL_NAMESPACE}. The API server asks the webhook for pods with annotations of ours alone; all other pods start as before, whether the webhook is up or not.

With --revision a second webhook is put beside the default one, with all that is its own under its own name. It is asked about the pods of namespaces that are labelled kubectl-mcp.dev/revision=NAME, the default about all others; a namespace that asks for a revision that is not installed is the default's.`,
    examples: `
      # Install, and wait until annotated pods are served
      kubectl mcp install

      # Print what would be applied
      kubectl mcp install --dry-run=client -o yaml

      # Put a newer version beside the one that is there, and try it in one namespace
      kubectl mcp install --revision canary --image registry.example.com/kubectl-mcp:0.2.0
      kubectl label namespace tools kubectl-mcp.dev/revision=canary

      # Take the image from a registry of your own
      kubectl mcp install --image registry.example.com/kubectl-mcp:0.1.0`,
  })
    .addOption(dryRunFlag())
    .option('--force', 'If true, take over what Helm, Argo CD or Flux installed.')
    .option('--image <image>', 'The image of webhook and sidecar.', DEFAULT_IMAGE)
    .addOption(outputFlag(FORMATS))
    .option('--revision <name>', 'The name of a webhook beside the default, for namespaces that ask for it.')
    .addOption(timeoutFlag('2m', 'The length of time to wait for the webhook, like 30s or 5m.'))
    .option('--no-wait', 'If true, wait for the webhook to be ready before returning.')
    .action(async (_options, command: Command) => runInstall(command.optsWithGlobals<InstallFlags>(), deps));
}

async function runInstall(flags: InstallFlags, { streams, env, connect, signal }: Deps): Promise<void> {
  const format = checkFormat(flags.output, FORMATS);
  const timeoutMs = parseDurationMs(flags.timeout, '--timeout');
  const { revision } = flags;
  const [{ installObjects }, { checkRevision, defaultObjects, revisionObjects }] = await Promise.all([
    import('../install/manifest.ts'),
    import('../install/revision.ts'),
  ]);
  if (revision !== undefined) checkRevision(revision);
  if (revision !== undefined && !flags.wait && flags.dryRun === 'none') {
    throw usageError('a revision takes namespaces over when it is ready: --wait=false is not for it');
  }
  const all = installObjects(flags.image);
  const objects = revision === undefined ? all : revisionObjects(all, revision);
  if (flags.dryRun === 'client' && format && format !== 'name') {
    await printObjects(streams, format, objects);
    return;
  }
  const cluster = await connect(flags, env);
  const [{ checkKubernetesVersion }, { checkOwner }, { applyAll }, revisions, { waitForWebhook }] =
    await Promise.all([
      import('../install/kubernetes-version.ts'),
      import('../install/owner.ts'),
      import('../install/apply-all.ts'),
      import('../install/apply-revision.ts'),
      import('../install/wait.ts'),
    ]);
  await checkKubernetesVersion(cluster);
  if (revision !== undefined) await checkInstalled(cluster);
  if (!flags.force) await checkOwner(cluster, revision === undefined ? 'install' : 'revision');
  const progress = createProgress(streams);
  const ready = async (): Promise<void> => {
    await waitForWebhook(cluster, { timeoutMs, progress, signal, names: installNames(revision) });
    progress.end();
  };
  const steps =
    revision === undefined
      ? applyAll(cluster, defaultObjects(objects, await revisions.awakeRevisions(cluster)), flags.dryRun)
      : revisions.applyRevision(cluster, { name: revision, objects }, { dryRun: flags.dryRun, ready });
  const applied: KubernetesObject[] = [];
  for await (const each of steps) {
    applied.push(each.object);
    if (!format) writeLine(streams.out, describeApplied(each, flags.dryRun));
    else if (format === 'name') writeLine(streams.out, resourceName(each.object));
  }
  if (format && format !== 'name') await printObjects(streams, format, applied);
  if (flags.dryRun !== 'none' || !flags.wait) return;
  const { nudgeWaiting } = await import('../install/nudge.ts');
  await ready();
  const nudged = await nudgeWaiting(cluster);
  if (format) return;
  for (const { kind, metadata } of nudged) {
    const name = `${kind!.toLowerCase()}/${metadata!.name}`;
    writeLine(
      streams.err,
      `${name} -n ${metadata!.namespace} tries again: the webhook was away for its pods.`,
    );
  }
  writeLine(
    streams.err,
    revision === undefined
      ? 'The webhook is ready. Next: kubectl mcp enable deploy/NAME'
      : `The webhook is ready. Next: kubectl label namespace NAME ${REVISION_LABEL}=${revision}, then kubectl mcp restart --outdated -n NAME`,
  );
}
