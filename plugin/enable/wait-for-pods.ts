/** Waits until every pod of a workload is as its template says. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CliError, EXIT } from '../errors.ts';
import type { Cluster } from '../kube/client.ts';
import type { Progress } from '../progress.ts';
import type { Explained } from './explain-refusal.ts';
import { createPatience } from './patience.ts';
import { readLogEnd, readPods, readReplicaSets, readWorkload } from './read.ts';
import { createRefusals, readFailures, type Refused } from './refusals.ts';
import { lagging, refusalOf, rolloutState } from './rollout.ts';
import { hasLog, isLasting, nextStep, type Trouble, troubleKey, troublesOf, troubleText } from './trouble.ts';
import { objectName, type Workload } from './workload.ts';

export interface WaitOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly nowMs: () => number;
}

const PERIOD_MS = 1_000;
/** Old pods that end may make room in a quota. */
const REFUSED_MS = 20_000;

/**
 * @param injected whether the pods must have the sidecar, or must not.
 * @throws {CliError} with what the pods lack when the time is over, waiting cannot help, or the user interrupts.
 */
export async function waitForPods(
  cluster: Cluster,
  workload: Workload,
  { injected, timeoutMs, signal, progress, nowMs }: WaitOptions & { readonly injected: boolean },
): Promise<void> {
  const deadlineMs = nowMs() + timeoutMs;
  const patience = createPatience(nowMs);
  const since = new Map<string, number>();
  const refusals = createRefusals(cluster, await patience(() => readFailures(cluster, workload)));
  const seenForMs = (key: string): number => nowMs() - (since.get(key) ?? nowMs());
  let last: string | undefined;
  for (;;) {
    const seen = await patience(() => look(cluster, workload, injected));
    const { step, failure, troubles } = seen ?? AWAY;
    if (step === undefined) break;
    progress.update(step);
    for (const each of troubles) note(troubleKey(each), troubleText(each));
    // Where it goes on, what was refused has been mended: a quota is counted anew a moment after a pod has ended.
    if (last !== undefined && step !== last) {
      refusals.forget();
      since.delete('refusal');
    }
    last = step;
    const explained = seen && (await patience(() => refusals.explain(seen)));
    if (explained) note('refusal', `pods are not created: ${explained.cause}`);

    const stop = signal.aborted ? 'interrupted' : nowMs() >= deadlineMs ? 'timed out' : undefined;
    const lasting = troubles.find((each) => isLasting(each, seenForMs(troubleKey(each))));
    const refused =
      explained && (!isQuota(explained) || seenForMs('refusal') > REFUSED_MS) ? explained : undefined;
    if (stop === undefined && !failure && !lasting && refused === undefined) {
      await sleep(PERIOD_MS, undefined, { signal }).catch(() => undefined);
      continue;
    }
    progress.end();
    const name = objectName(workload);
    if (refused !== undefined) throw new CliError(`${name}: ${refusedText(refused)}`);
    if (lasting) throw new CliError(`${name}: ${await lastingText(cluster, workload, lasting)}`);
    const lines = [`${name}: ${failure ?? stop}`, ...[step, ...troubles.map(troubleText)].map(indented)];
    throw new CliError(lines.join('\n'), { exitCode: signal.aborted ? EXIT.interrupted : EXIT.error });
  }
  progress.end();

  function note(key: string, text: string): void {
    if (since.has(key)) return;
    since.set(key, nowMs());
    progress.note(text);
  }
}

interface Look {
  /** What is waited for; absent when it has come. */
  readonly step?: string | undefined;
  readonly failure?: string | undefined;
  readonly troubles: readonly Trouble[];
}

const AWAY: Look = { step: 'Waiting for the API server to answer again...', troubles: [] };

async function look(cluster: Cluster, workload: Workload, injected: boolean): Promise<Look & Refused> {
  const { kind, metadata } = workload;
  const [current, pods, sets, failures] = await Promise.all([
    readWorkload(cluster, { kind, name: metadata.name }),
    readPods(cluster),
    kind === 'Deployment' ? readReplicaSets(cluster) : [],
    readFailures(cluster, workload),
  ]);
  const { done, message, failure } = rolloutState(current);
  return {
    current,
    step: done ? lagging(current, pods, injected) : message,
    failure,
    troubles: troublesOf(current, pods),
    refusal: refusalOf(current, sets),
    failures,
  };
}

const isQuota = ({ reason, lasting }: Explained): boolean => reason === 'QuotaExceeded' && !lasting;

const refusedText = ({ cause, fix }: Explained): string =>
  `pods of the new template are not created: ${cause}\nNext: ${fix}`;

async function lastingText(cluster: Cluster, workload: Workload, trouble: Trouble): Promise<string> {
  const text = troubleText(trouble);
  // A container may say its last words twice: in its log, and to the kubelet.
  const log = (hasLog(trouble) ? await readLogEnd(cluster, trouble) : []).filter(
    (line) => !text.includes(line),
  );
  return [
    text,
    ...(log.length > 0 ? ['The end of its log:', ...log.map(indented)] : []),
    nextStep(trouble, workload.metadata.namespace),
  ].join('\n');
}

const indented = (text: string): string => `  ${text}`;
