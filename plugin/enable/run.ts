/** From a plan to its end: what `enable` and `disable` have in common. */
import type { KubernetesObject } from '@kubernetes/client-node';
import type { Deps } from '../deps.ts';
import { CliError } from '../errors.ts';
import { type DryRun, type GlobalFlags, parseDurationMs } from '../flags.ts';
import type { Cluster } from '../kube/client.ts';
import { toCliError } from '../kube/errors.ts';
import { checkFormat, printObjects } from '../print/object.ts';
import { createProgress, type Progress } from '../progress.ts';
import { writeLine } from '../streams.ts';
import { applyChange, withoutBookkeeping } from './apply-change.ts';
import { asArgument } from '../doctor/served.ts';
import { carryOut } from './carry-out.ts';
import { type Change, changesOf, objectChangesOf, type Plan } from './change.ts';
import { dialClosed } from './dial-closed.ts';
import { freePods } from './free-pods.ts';
import { ownersText, printForRepository, repositoryAdvice } from './gitops.ts';
import { changeLines } from './plan-lines.ts';
import { waitForEndpoints } from './wait-for-endpoints.ts';
import { waitForPods } from './wait-for-pods.ts';
import { objectName, type Workload } from './workload.ts';

export interface RunFlags extends GlobalFlags {
  readonly dryRun: DryRun;
  readonly force?: boolean;
  readonly output?: string;
  readonly timeout: string;
}

export interface RunInput {
  readonly cluster: Cluster;
  readonly workload: Workload;
  readonly plan: Plan;
  /** Whether pods have the sidecar in the end. */
  readonly injected: boolean;
}

const FORMATS = ['json', 'yaml', 'name'] as const;
type Format = (typeof FORMATS)[number];

/** Flags that can be wrong are read before anything is done. */
export const checkRunFlags = (flags: RunFlags) => ({
  format: checkFormat(flags.output, FORMATS),
  timeoutMs: parseDurationMs(flags.timeout, '--timeout'),
});

/** @throws {CliError} when the plan cannot work, or would harm others and `--force` is not given. */
export async function runPlan(input: RunInput, flags: RunFlags, deps: Deps): Promise<void> {
  const { plan, workload } = input;
  const { format, timeoutMs } = checkRunFlags(flags);
  const { streams } = deps;
  if (plan.faults.length > 0) throw new CliError(plan.faults.join('\n'));
  if (plan.refusals.length > 0 && !flags.force) throw new CliError(plan.refusals.join('\n'));
  for (const each of [...plan.refusals, ...plan.warnings]) writeLine(streams.err, `Warning: ${each}`);

  if (await leftToOwners(plan, { ...flags, format }, deps)) return;

  const show = (change: Change): void => {
    if (format === undefined) {
      for (const line of changeLines(change, flags.dryRun)) writeLine(streams.out, line);
    }
    if (format === 'name') writeLine(streams.out, objectName((change.after ?? change.before)!));
  };
  const changes = changesOf(plan);
  if (flags.dryRun === 'none') await act(input, { timeoutMs, show, progress: createProgress(streams) }, deps);
  for (const change of flags.dryRun === 'none' ? [] : changes) {
    if (flags.dryRun === 'server') await applyChange(input.cluster, change, 'server');
    show(change);
  }
  if (changes.length === 0 && format === undefined)
    writeLine(streams.out, `${objectName(workload)} unchanged`);
  if (format === 'yaml' || format === 'json')
    await printObjects(streams, format, manifestsOf(objectChangesOf(plan), workload));
}

/**
 * Objects that a tool of deployment keeps as its repository says: what to change there is printed.
 * @returns whether all is said; a dry run without a format goes on.
 */
async function leftToOwners(
  plan: Plan,
  { dryRun, force, format }: Pick<RunFlags, 'dryRun' | 'force'> & { format: Format | undefined },
  { streams }: Deps,
): Promise<boolean> {
  const owners = ownersText(plan);
  if (owners === undefined) return false;
  if (force || (dryRun !== 'none' && (format === undefined || format === 'name'))) {
    writeLine(streams.err, `Warning: ${owners}, which will take back what is changed here`);
    return false;
  }
  await printForRepository(streams, plan, format === 'json' ? 'json' : 'yaml');
  const advice = repositoryAdvice(plan).join('\n');
  if (dryRun === 'none') {
    throw new CliError(
      `${owners}: nothing was changed\n${advice}\nTo change the cluster all the same: --force`,
    );
  }
  writeLine(streams.err, `Warning: ${owners}\n${advice}`);
  return true;
}

interface Act {
  readonly timeoutMs: number;
  readonly show: (change: Change) => void;
  readonly progress: Progress;
}

const act = (
  { cluster, workload, plan, injected }: RunInput,
  { timeoutMs, show, progress }: Act,
  { streams, signal, nowMs }: Deps,
): Promise<void> => {
  const waiting = { timeoutMs, signal, progress, nowMs };
  const tellUndone = (change: Change, error?: unknown): void =>
    writeLine(
      streams.err,
      error === undefined
        ? changeLines(change)[0]!
        : `Warning: ${objectName((change.after ?? change.before)!)} could not be ${change.done}: ${toCliError(error).message}`,
    );
  return carryOut(plan, {
    apply: (change) =>
      applyChange(cluster, change, 'none').catch((error: unknown) =>
        Promise.reject(toCliError(error, cluster.server)),
      ),
    waitForPods: (stage) =>
      waitForPods(cluster, workload, { ...waiting, injected: injected || stage === 'opened' }),
    dialClosed: async () => {
      const unknown = await dialClosed(cluster, workload, waiting);
      if (unknown !== undefined)
        writeLine(
          streams.err,
          `Warning: whether the server's own port is closed is not known: ${unknown}\nTo dial it: kubectl mcp doctor ${asArgument(workload)} --probe`,
        );
    },
    waitForEndpoints: (services) => waitForEndpoints(cluster, workload, services, waiting),
    done: show,
    freePods: ({ after }) =>
      freePods(cluster, after as Workload, (pod, error) =>
        tellUndone({ before: { kind: 'Pod', metadata: pod.metadata! }, done: 'deleted', details: [] }, error),
      ).catch((error: unknown) => writeLine(streams.err, `Warning: ${toCliError(error).message}`)),
    undone: tellUndone,
  });
};

/** What a person would commit: the objects as they will be, without what the API server and kubectl fill in. */
const manifestsOf = (changes: readonly Change[], workload: Workload): KubernetesObject[] => {
  const objects = changes.flatMap((each) => each.after ?? []);
  return (objects.length > 0 ? objects : [workload]).map(asManifest);
};

const FILLED_IN = ['deployment.kubernetes.io/revision', 'kubectl.kubernetes.io/last-applied-configuration'];

function asManifest(object: KubernetesObject): KubernetesObject {
  const manifest = withoutBookkeeping(object);
  const { annotations, ...metadata } = manifest.metadata ?? {};
  const kept = Object.entries(annotations ?? {}).filter(([key]) => !FILLED_IN.includes(key));
  return {
    ...manifest,
    metadata: { ...metadata, ...(kept.length > 0 && { annotations: Object.fromEntries(kept) }) },
  };
}
