/** Waits until every pod of a workload is as its template says. */
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeRefusal } from '../doctor/refusal.ts';
import { CliError, EXIT } from '../errors.ts';
import type { Cluster } from '../kube/client.ts';
import type { Progress } from '../progress.ts';
import { readLogEnd, readPods, readReplicaSets, readWorkload } from './read.ts';
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
  const ref = { kind: workload.kind, name: workload.metadata.name };
  const since = new Map<string, number>();
  const seenForMs = (key: string): number => nowMs() - (since.get(key) ?? nowMs());
  for (;;) {
    const [current, pods, sets] = await Promise.all([
      readWorkload(cluster, ref),
      readPods(cluster),
      workload.kind === 'Deployment' ? readReplicaSets(cluster) : [],
    ]);
    const state = rolloutState(current);
    const step = state.done ? lagging(current, pods, injected) : state.message;
    if (step === undefined) break;
    progress.update(step);
    const troubles = troublesOf(current, pods);
    for (const each of troubles) note(troubleKey(each), troubleText(each));
    const refusal = refusalOf(current, sets);
    if (refusal !== undefined) note('refusal', `pods are not created: ${decodeRefusal(refusal).cause}`);

    const stop = signal.aborted ? 'interrupted' : nowMs() >= deadlineMs ? 'timed out' : undefined;
    const lasting = troubles.find((each) => isLasting(each, seenForMs(troubleKey(each))));
    const refused =
      refusal !== undefined && (!/exceeded quota/.test(refusal) || seenForMs('refusal') > REFUSED_MS)
        ? refusal
        : undefined;
    if (stop === undefined && !state.failure && !lasting && refused === undefined) {
      await sleep(PERIOD_MS, undefined, { signal }).catch(() => undefined);
      continue;
    }
    progress.end();
    const name = objectName(workload);
    if (refused !== undefined) throw new CliError(`${name}: ${refusedText(refused)}`);
    if (lasting) throw new CliError(`${name}: ${await lastingText(cluster, workload, lasting)}`);
    const lines = [
      `${name}: ${state.failure ?? stop}`,
      ...[step, ...troubles.map(troubleText)].map(indented),
    ];
    throw new CliError(lines.join('\n'), { exitCode: signal.aborted ? EXIT.interrupted : EXIT.error });
  }
  progress.end();

  function note(key: string, text: string): void {
    if (since.has(key)) return;
    since.set(key, nowMs());
    progress.note(text);
  }
}

function refusedText(message: string): string {
  const { cause, fix } = decodeRefusal(message);
  return `pods of the new template are not created: ${cause}\nNext: ${fix}`;
}

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
