/** The three measurements. Each says what it found and what it should have. */
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import { WEBHOOK_NAME } from '../../webhook/names.ts';
import type { ApiClient } from './api-client.ts';
import { createPods } from './create-pods.ts';
import { webhookSamples } from './installation.ts';
import { ms } from './report.ts';
import type { Figure } from './report.ts';
import { grownHistogram, quantile, samplesIn, total } from './samples.ts';
import type { Sample } from './samples.ts';
import { usageOf, webhookPids } from './webhook-process.ts';
import type { Usage } from './webhook-process.ts';

/** Of manifests/install.yaml, as the API server names it in its metrics. */
const WEBHOOK = 'inject.kubectl-mcp.dev';
const P99_S = 0.01;
/**
 * By and by: the API server keeps 25 connections idle, and pays a handshake for each review beyond. Cold processes at
 * the full rate are that slow, and with the handshakes they stay so.
 */
const WARM_UP = [0.1, 0.25, 0.5, 0.75, 1];
const WARM_UP_SECONDS = 6;
/** Of resident memory, from after the warm-up to the end. */
const FLAT_MB = 10;
const CALLS = 'apiserver_admission_webhook_request_total';
const DURATION = 'apiserver_admission_webhook_admission_duration_seconds';
const EXCLUDED = 'apiserver_admission_match_condition_exclusions_total';
const CONDITION = 'apiserver_admission_match_condition_evaluation_seconds';
const OWN_DURATION = 'kubectl_mcp_webhook_review_duration_seconds';

export type Place = { api: ApiClient; namespace: string; nodes: readonly string[] };

/** Pods that did not ask: the API server does not call the webhook for them. */
export async function unannotated({ api, namespace, nodes }: Place, count: number): Promise<Figure[]> {
  const before = await apiSamples(api);
  const made = await createPods(api, {
    namespace,
    nodes,
    annotated: false,
    dryRun: false,
    perSecond: 150,
    count,
  });
  const running = await runningPods({ api, namespace }, count);
  const after = await apiSamples(api);
  const grown = (name: string) =>
    total(after, name, { name: WEBHOOK }) - total(before, name, { name: WEBHOOK });
  const calls = grown(CALLS);
  const durations = grown(`${DURATION}_count`);
  return [
    load(),
    {
      what: 'pods created, running on KWOK nodes',
      is: `${made.bare}, ${running}`,
      ...is(made.bare === count && running === count, `${count}`),
    },
    ...failuresOf(made.failures),
    { what: `calls of the webhook (\`${CALLS}\`)`, is: `${calls}`, ...is(calls === 0, '0') },
    { what: `and by \`${DURATION}_count\``, is: `${durations}`, ...is(durations === 0, '0') },
    {
      what: `left out by its match condition (\`${EXCLUDED}\`)`,
      is: `${grown(EXCLUDED)}`,
      ...is(grown(EXCLUDED) >= count, `${count} or more`),
    },
    {
      what: 'the match condition, for each pod',
      is: ms(grown(`${CONDITION}_sum`) / grown(`${CONDITION}_count`)),
    },
  ];
}

/** One replica, which may use one core, for as long as is asked. Dry runs go through all of admission. */
export async function annotated(
  { api, namespace }: Place,
  { perSecond, seconds }: { perSecond: number; seconds: number },
): Promise<Figure[]> {
  const creation = { namespace, annotated: true, dryRun: true, perSecond };
  for (const share of WARM_UP) {
    const now = perSecond * share;
    await createPods(api, { ...creation, perSecond: now, count: now * WARM_UP_SECONDS });
  }
  const [pid, ...others] = webhookPids();
  if (pid === undefined || others.length > 0) throw new Error(`${WEBHOOK_NAME}: not one replica`);
  const [before, ownBefore] = [await apiSamples(api), await webhookSamples(api)];
  const usage: Usage[] = [usageOf(pid)];
  const timer = setInterval(() => usage.push(usageOf(pid)), 1_000);
  const made = await createPods(api, { ...creation, count: perSecond * seconds });
  clearInterval(timer);
  usage.push(usageOf(pid));
  const [after, ownAfter] = [await apiSamples(api), await webhookSamples(api)];
  const api99 = grownHistogram(before, after, DURATION, { name: WEBHOOK });
  const own = grownHistogram(ownBefore, ownAfter, OWN_DURATION);
  const p99 = quantile(api99, 0.99);
  const [first, last] = [usage[0]!, usage.at(-1)!];
  const grownMb = last.residentMb - first.residentMb;
  const cpu = last.cpuSeconds - first.cpuSeconds;
  const rate = made.asked / made.seconds;
  const most = Math.max(...usage.map((each) => each.residentMb));
  return [
    load(),
    {
      what: 'reviews',
      is: `${made.injected}, ${rate.toFixed(0)} a second`,
      ...is(
        made.injected === perSecond * seconds && rate > perSecond * 0.98,
        `${perSecond} a second, all injected`,
      ),
    },
    ...failuresOf(made.failures),
    { what: `p99 of \`${DURATION}\``, is: ms(p99), ...is(p99 < P99_S, `under ${ms(P99_S)}`) },
    {
      what: 'its p50; at most 5 ms, at most 25 ms',
      is: `${ms(quantile(api99, 0.5))}; ${share(api99, 0.005)}, ${share(api99, 0.025)}`,
    },
    { what: 'the webhook’s own time: p50, p99', is: `${ms(quantile(own, 0.5))}, ${ms(quantile(own, 0.99))}` },
    {
      what: 'CPU of the webhook',
      is: `${((cpu / made.seconds) * 100).toFixed(0)} % of a core, ${ms(cpu / made.asked)} for each review`,
    },
    {
      what: 'resident memory at the start, the most, at the end',
      is: `${mb(first.residentMb)}, ${mb(most)}, ${mb(last.residentMb)}`,
      ...is(grownMb < FLAT_MB, `grows by less than ${FLAT_MB} MB`),
    },
    {
      what: 'the same of its cgroup',
      is: `${mb(first.cgroupMb)}, ${mb(Math.max(...usage.map((each) => each.cgroupMb)))}, ${mb(last.cgroupMb)}`,
    },
  ];
}

/** Pods that are really made, through the scheduler. */
export async function annotatedForReal({ api, namespace }: Place, count: number): Promise<Figure[]> {
  const before = await apiSamples(api);
  const made = await createPods(api, { namespace, annotated: true, dryRun: false, perSecond: 40, count });
  const running = await runningPods({ api, namespace }, count);
  const histogram = grownHistogram(before, await apiSamples(api), DURATION, { name: WEBHOOK });
  return [
    load(),
    {
      what: 'annotated pods created, running on KWOK nodes',
      is: `${made.injected}, ${running}`,
      ...is(made.injected === count && running === count, `${count}, all injected`),
    },
    ...failuresOf(made.failures),
    {
      what: `p50, p99 of \`${DURATION}\``,
      is: `${ms(quantile(histogram, 0.5))}, ${ms(quantile(histogram, 0.99))}`,
    },
  ];
}

const apiSamples = async (api: ApiClient): Promise<Sample[]> => samplesIn(await api.ask('GET', '/metrics'));
const is = (ok: boolean, wanted: string) => ({ ok, wanted });
const mb = (value: number): string => `${value.toFixed(0)} MB`;
const load = (): Figure => ({ what: 'load average of the machine', is: loadavg()[0]!.toFixed(1) });
const share = (histogram: readonly { le: number; count: number }[], le: number): string =>
  `${((100 * (histogram.find((each) => each.le === le)?.count ?? 0)) / histogram.at(-1)!.count).toFixed(1)} %`;
const failuresOf = (failures: readonly string[]): Figure[] =>
  failures.length === 0
    ? []
    : [{ what: 'failures', is: `${failures.length}, like ${failures[0]}`, ...is(false, '0') }];

/** How many run in the end; waits until that is what is expected. */
async function runningPods({ api, namespace }: Omit<Place, 'nodes'>, expected: number): Promise<number> {
  for (let left = 60; ; left--) {
    const path = `/api/v1/namespaces/${namespace}/pods?resourceVersion=0`;
    const { items } = JSON.parse(await api.ask('GET', path)) as { items: V1Pod[] };
    const running = items.filter((each) => each.status?.phase === 'Running').length;
    if (running === expected || left === 0) return running;
    await sleep(3_000);
  }
}
