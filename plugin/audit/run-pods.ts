/** The logs of pods → stdout: what is there, then what comes. */
import { CliError } from '../errors.ts';
import { toCliError } from '../kube/errors.ts';
import { writeLine } from '../streams.ts';
import { follow } from './follow.ts';
import { merge } from './merge.ts';
import { lastOf } from './output.ts';
import { LogFault } from './pod-log.ts';
import { auditedPods, type AuditedPod, checkAudited, createPodFinder } from './pods.ts';
import { backlogOf, createPodSource, type SourceDeps } from './pod-source.ts';
import { inOrder } from './read-entries.ts';
import { type AuditRun, checkRequests } from './run.ts';

/** @returns whether all that there is was read */
export async function readPods(names: readonly string[], run: AuditRun): Promise<boolean> {
  const { flags, deps, output, reading, sinceMs, tail } = run;
  const { env, connect, signal, streams } = deps;
  const cluster = await connect(flags, env);
  const find = await createPodFinder(cluster, names, flags);
  const chosen = await find();
  checkAudited(chosen, cluster.namespace, flags.follow === true);
  const pods = auditedPods(chosen).filter(({ started }) => started);
  checkRequests(pods.length, flags);
  let complete = true;
  let fatal: CliError | undefined;
  const onFault: SourceDeps['onFault'] = (pod, error, lost = false) => {
    if (error instanceof LogFault && error.status === 403) fatal ??= forbidden(pod, error);
    else {
      writeLine(streams.err, `Warning: ${wordFault(pod, error, lost)}`);
      if (!lost) complete = false;
    }
  };
  const source: SourceDeps = { cluster, signal, reading, sinceMs, onFault };
  const sources = pods.map(createPodSource);
  const backlog = merge(sources.map((each) => inOrder(backlogOf(each, source))));
  for await (const batch of lastOf(backlog, tail)) {
    if (signal.aborted) return complete;
    await output.write(batch);
  }
  if (fatal) throw fatal;
  for (const { name, namespace, silent } of pods)
    if (silent)
      writeLine(
        streams.err,
        `Warning: pod/${name} in namespace ${namespace} has "audit: none": it writes no audit lines`,
      );
  if (!flags.follow || signal.aborted) return complete;
  try {
    await follow(sources, {
      ...source,
      findPods: async () => auditedPods(await find()),
      emit: output.write,
    });
  } catch (error) {
    throw error instanceof LogFault ? forbidden(sources[0]?.pod, error) : error;
  }
  return complete;
}

const forbidden = (pod: AuditedPod | undefined, error: LogFault): CliError =>
  new CliError(
    `Error from server (Forbidden): ${error.message}\nNeeded: get on pods/log. See who you are: kubectl auth can-i get pods --subresource=log${pod ? ` -n ${pod.namespace}` : ''}`,
    { bare: true, cause: error },
  );

function wordFault({ name, namespace, restarts }: AuditedPod, error: unknown, lost: boolean): string {
  const pod = `pod/${name} in namespace ${namespace}`;
  if (lost)
    return `${pod} has restarted ${restarts === 1 ? 'once' : `${restarts} times`}: its node keeps no log of the run before`;
  if (error instanceof LogFault && error.status === 404)
    return `${pod} is gone, and its log with it: its records are not all here`;
  const why = error instanceof LogFault ? error.message : toCliError(error).message;
  return `the log of ${pod} could not be read: ${why}: its records are not all here\nSee why: kubectl logs ${name} -c mcp-proxy -n ${namespace}`;
}
