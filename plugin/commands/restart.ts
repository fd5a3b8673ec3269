import type { Command } from 'commander';
import { INSTALL_NAMESPACE } from '../../webhook/names.ts';
import type { Deps } from '../deps.ts';
import { checkInstalled } from '../enable/preflight.ts';
import { readWorkload } from '../enable/read.ts';
import { parseWorkloadRef } from '../enable/target.ts';
import { isOptedIn, objectName, type Workload } from '../enable/workload.ts';
import { CliError, usageError } from '../errors.ts';
import {
  allNamespacesFlag,
  type DryRun,
  dryRunFlag,
  type GlobalFlags,
  parseDurationMs,
  selectorFlag,
  timeoutFlag,
} from '../flags.ts';
import { addCommand } from '../help.ts';
import type { Cluster } from '../kube/client.ts';
import { isForbidden, toCliError } from '../kube/errors.ts';
import { listPods, listWorkloads } from '../kube/workloads.ts';
import { createProgress } from '../progress.ts';
import { writeLine } from '../streams.ts';
import { type Installed, readInstalled } from '../upgrade/installed.ts';
import { outdatedPods } from '../upgrade/outdated.ts';
import { type Outcome, paced } from '../upgrade/paced.ts';
import { patchRestart, restart } from '../upgrade/restart.ts';
import { restartArgument, type Selection, selectTargets, type Target } from '../upgrade/select.ts';

interface RestartFlags extends GlobalFlags {
  readonly allNamespaces?: boolean;
  readonly dryRun: DryRun;
  readonly maxParallel: string;
  readonly outdated?: boolean;
  readonly selector?: string;
  readonly timeout: string;
}

export function addRestart(program: Command, deps: Deps): void {
  const command = addCommand(program, {
    usage: 'restart (--outdated | (NAME | KIND/NAME)...)',
    short: 'Replace the pods of enabled workloads, so that they get the proxy of now',
    long: `Replace the pods of enabled workloads, so that they get the proxy that the webhook makes now. A proxy keeps its version and its configuration until its pod is replaced.

One workload after the other is restarted like "kubectl rollout restart" does it, and its rollout is waited for; the first that fails ends it, and what is left is named. With --outdated these are the workloads of which a pod has another image, configuration, command or volumes than its webhook would give it now. Pods that no rollout replaces (updateStrategy OnDelete, a Job's, bare pods) are named and left.`,
    examples: `
      # See which workloads have outdated proxies, and why
      kubectl mcp restart --outdated -A --dry-run=client

      # Renew them after an upgrade, two workloads at a time
      kubectl mcp restart --outdated -A --max-parallel 2

      # Restart one workload
      kubectl mcp restart deployment/everything`,
  }).argument('[workloads...]');
  command
    .addOption(allNamespacesFlag())
    .addOption(dryRunFlag())
    .option('--max-parallel <count>', 'The number of workloads that are restarted at once.', '1')
    .option('--outdated', 'If true, restart the workloads whose proxies are outdated.')
    .addOption(selectorFlag())
    .addOption(timeoutFlag('5m', 'The length of time to wait for the rollout of one workload.'))
    .action(async (names: string[]) => runRestart(names, command.optsWithGlobals<RestartFlags>(), deps));
}

async function runRestart(names: readonly string[], flags: RestartFlags, deps: Deps): Promise<void> {
  const { streams, env, connect, nowMs, signal } = deps;
  const { timeoutMs, maxParallel } = checkFlags(names, flags);
  const refs = names.map(parseWorkloadRef);
  const cluster = await connect(flags, env);
  await checkInstalled(cluster);
  const installed = await whatIsInstalled(cluster, flags);
  const { targets, skipped } = await select();
  for (const each of skipped) writeLine(streams.err, `Warning: ${each}`);
  if (targets.length === 0 && skipped.length === 0) writeLine(streams.err, 'No outdated proxies found.');
  const progress = createProgress(streams);
  const outcome = await paced(targets, maxParallel, async (target) => {
    if (signal.aborted) throw new CliError('interrupted', { exitCode: 130 });
    if (flags.dryRun === 'none') {
      await restart(cluster, target.workload, { timeoutMs, signal, progress, nowMs, installed });
    }
    if (flags.dryRun === 'server') {
      await patchRestart(cluster, target.workload, { nowMs: nowMs(), dryRun: 'server' });
    }
    for (const line of linesOf(target, flags)) writeLine(streams.out, line);
  });
  progress.end();
  if (outcome.failures.length > 0) throw failureOf(outcome, names, flags, cluster);

  async function select(): Promise<Selection> {
    if (refs.length > 0) {
      const named = await Promise.all(refs.map((each) => readWorkload(cluster, each)));
      const strange = named.find((each) => !isOptedIn(each.spec.template));
      if (strange) {
        throw new CliError(
          `${objectName(strange)} is not enabled\nRun kubectl mcp enable ${restartArgument(strange)}, or kubectl rollout restart`,
        );
      }
      const outdated = installed ? outdatedPods(await listPods(cluster, cluster.namespace), installed) : [];
      return selectTargets(named, outdated, { named: !flags.outdated, all: false });
    }
    const namespace = flags.allNamespaces ? {} : { namespace: cluster.namespace };
    const labelSelector = flags.selector === undefined ? {} : { labelSelector: flags.selector };
    const [workloads, pods] = await Promise.all([
      listWorkloads(cluster, { ...namespace, ...labelSelector }),
      listPods(cluster, namespace.namespace),
    ]);
    const all = flags.selector === undefined;
    return selectTargets(workloads, outdatedPods(pods, installed!), { named: false, all });
  }
}

function checkFlags(names: readonly string[], flags: RestartFlags) {
  if (names.length === 0 && !flags.outdated) {
    throw usageError('name the workloads to restart, or give --outdated');
  }
  if (names.length > 0 && (flags.allNamespaces || flags.selector !== undefined)) {
    throw usageError('workloads are named, or found by --all-namespaces and --selector, not both');
  }
  if (!/^[1-9]\d{0,2}$/.test(flags.maxParallel)) {
    throw usageError(
      `invalid argument "${flags.maxParallel}" for "--max-parallel" flag: must be a number from 1 to 999`,
    );
  }
  return {
    timeoutMs: parseDurationMs(flags.timeout, '--timeout'),
    maxParallel: Number(flags.maxParallel),
  };
}

/** Named workloads can be restarted by who may not look at the webhook. */
async function whatIsInstalled(cluster: Cluster, flags: RestartFlags): Promise<Installed | undefined> {
  try {
    return await readInstalled(cluster);
  } catch (error) {
    if (!isForbidden(error)) throw error;
    if (!flags.outdated) return undefined;
    throw new CliError(
      `what is outdated is not known: no permission to list deployments in namespace ${INSTALL_NAMESPACE}\nName the workloads: kubectl mcp restart KIND/NAME`,
    );
  }
}

const NOTES: Record<DryRun, string> = { none: '', client: ' (dry run)', server: ' (server dry run)' };

const linesOf = ({ workload, details }: Target, { allNamespaces, dryRun }: RestartFlags): string[] => [
  `${objectName(workload)} restarted${allNamespaces ? ` in namespace ${workload.metadata.namespace}` : ''}${NOTES[dryRun]}`,
  ...details.map((each) => `    ${each}`),
];

/** Everything that went wrong, what was not begun, and the command that goes on. */
function failureOf(
  { failures, left }: Outcome<Target>,
  names: readonly string[],
  flags: RestartFlags,
  { namespace, server }: Cluster,
): CliError {
  const errors = failures.map(({ error }) => toCliError(error, server));
  const place = ({ metadata }: Workload) => (flags.allNamespaces ? ` -n ${metadata.namespace}` : '');
  const rest = [...failures.map(({ item }) => item), ...left].map(({ workload }) => workload);
  const again = [
    'kubectl mcp restart',
    ...(names.length > 0 ? rest.map(restartArgument) : []),
    ...(flags.outdated ? ['--outdated'] : []),
    flags.allNamespaces ? '-A' : `-n ${namespace}`,
    ...(flags.selector === undefined ? [] : [`-l '${flags.selector}'`]),
  ];
  const lines = [
    ...errors.map((each) => each.message),
    ...(left.length > 0
      ? [
          `Not restarted: ${left.map(({ workload }) => `${restartArgument(workload)}${place(workload)}`).join(', ')}`,
        ]
      : []),
    `To go on when it is mended: ${again.join(' ')}`,
  ];
  const { exitCode, bare } = errors[0]!;
  return new CliError(lines.join('\n'), { exitCode, bare, cause: failures[0]!.error });
}
