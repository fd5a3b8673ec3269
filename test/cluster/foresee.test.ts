/** What is foreseen of a pod is what the API server says, and what it says of the proxy's size mends it. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1LimitRange, V1Pod, V1ResourceQuota } from '@kubernetes/client-node';
import { plain } from '../../plugin/enable/read.ts';
import { connect, type Cluster } from '../../plugin/kube/client.ts';
import { apiStatusOf } from '../../plugin/kube/errors.ts';
import { admitted } from '../../webhook/foresee/admitted.ts';
import { fittingResources } from '../../webhook/foresee/fit.ts';
import { foresee } from '../../webhook/foresee/foresee.ts';
import type { ForeseenReason, NamespaceRules } from '../../webhook/foresee/foreseen.ts';
import { SIDECAR_CONTAINER } from '../../webhook/names.ts';
import { layoutOf } from '../rig/cluster/layout.ts';
import { container, inAll, pod, type Row } from '../webhook/foresee/row.ts';
import { enforce } from '../webhook/foresee/security-rows.ts';
import { ROWS } from '../webhook/foresee/rows.ts';
import { SETTINGS, podOf } from '../webhook/foresee/subject.ts';
import { injectable, readPod } from '../webhook/golden-pods.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { namespaceName } from './namespace.ts';

const BASE = namespaceName('test-foresee');
const LABEL = 'test.kubectl-mcp.dev/of';
const cases = ROWS.map((row, index) => ({ row, namespace: `${BASE}-${index}` }));

const SAID: readonly [RegExp, ForeseenReason][] = [
  [/(minimum|maximum) \S+ usage per|max limit to request ratio/, 'LimitRangeExceeded'],
  [/(exceeded|failed) quota: /, 'QuotaExceeded'],
  [/violates PodSecurity/, 'PodSecurityViolated'],
];

describe('foresight and the API server', { skip: noCluster, timeout: 240_000 }, () => {
  let cluster: Cluster;
  before(async () => {
    await createAll('foresee', cases);
    cluster = await connectHere();
  });
  after(() => removeAll(cases));

  for (const { row, namespace } of cases) {
    test(`${row.title}: ${row.refused ?? 'admitted'}`, async () => {
      const rules = await readRules(cluster, namespace);
      const one = podOf(row);
      const said = await ask(cluster, namespace, one);
      const reason = said === undefined ? undefined : reasonIn(said);
      assert.deepEqual(
        { refused: said !== undefined, reason },
        { refused: row.refused !== undefined, reason: row.refused },
        said ?? '',
      );
      const settings = { ...SETTINGS, namespace };
      const found = foresee(one, rules, settings);
      assert.deepEqual([...new Set(found.map((each) => each.reason))], reason ? [reason] : []);

      if (found.length === 0 || !found.every(({ mend }) => mend.includes('resources that fit'))) return;
      const { cpu, memory } = fittingResources(admitted(one, rules.limitRanges!, settings)!, rules, 1)!;
      const own = {
        name: SIDECAR_CONTAINER,
        image: 'replaced',
        resources: { requests: { cpu: cpu.request, memory }, limits: { cpu: cpu.limit, memory } },
      };
      const initContainers = (one.spec?.initContainers ?? []).filter(({ name }) => name !== own.name);
      const mended = { ...one, spec: { ...one.spec!, initContainers: [own, ...initContainers] } };
      assert.equal(await ask(cluster, namespace, mended), undefined, JSON.stringify(own));
    });
  }
});

/** Each says no to some, for other reasons. */
const HARD_PLACES: readonly Row[] = [
  { title: 'restricted', labels: enforce('restricted'), pod: pod() },
  { title: 'baseline', labels: enforce('baseline'), pod: pod() },
  {
    title: 'a LimitRange of containers',
    limits: [container({ max: { cpu: '2', memory: '200Mi' } })],
    pod: pod(),
  },
  { title: 'a LimitRange of pods', limits: [inAll({ max: { cpu: '2500m', memory: '700Mi' } })], pod: pod() },
  {
    title: 'a tight quota',
    limits: [container({ default: { cpu: '300m', memory: '100Mi' }, defaultRequest: { cpu: '20m' } })],
    quotas: [{ hard: { 'requests.cpu': '150m', 'limits.memory': '500Mi' } }],
    pod: pod(),
  },
];

describe('foresight and the API server, on golden pods', { skip: noCluster, timeout: 240_000 }, () => {
  const places = HARD_PLACES.map((row, index) => ({ row, namespace: `${BASE}-hard-${index}` }));
  let cluster: Cluster;
  before(async () => {
    await createAll('foresee-golden', places);
    cluster = await connectHere();
  });
  after(() => removeAll(places));

  for (const { row, namespace } of places) {
    test(row.title, async (t) => {
      const rules = await readRules(cluster, namespace);
      const verdicts: Record<string, number> = {};
      for (const file of injectable) {
        const one = readPod(file);
        const body = {
          ...one,
          metadata: {
            generateName: 'pod-',
            annotations: one.metadata?.annotations ?? {},
            labels: one.metadata?.labels ?? {},
          },
        };
        if (body.spec) delete body.spec.serviceAccountName;
        const said = await ask(cluster, namespace, body);
        const reason = said === undefined ? 'admitted' : (reasonIn(said) ?? 'other');
        verdicts[reason] = (verdicts[reason] ?? 0) + 1;
        if (reason === 'other') continue;
        const found = foresee(body, rules, { ...SETTINGS, namespace }).map((each) => String(each.reason));
        // The API server ends at the first.
        assert.ok(
          reason === 'admitted' ? found.length === 0 : found.includes(reason),
          `${file}: ${said}: ${found}`,
        );
      }
      t.diagnostic(JSON.stringify(verdicts));
      // A volume that another injector would add, resources of the pod that defaults contradict.
      assert.ok((verdicts['other'] ?? 0) < 5 && Object.keys(verdicts).length > 2);
    });
  }
});

type Place = { readonly row: Row; readonly namespace: string };

/** Also removes what a killed run left. */
async function createAll(base: string, places: readonly Place[]): Promise<void> {
  await kubectl(['delete', 'namespace', '-l', `${LABEL}=${base}`, '--wait=false']);
  const items = places.flatMap(({ row, namespace }) => objectsOf(row, namespace, base));
  await kubectl(['create', '-f', '-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) });
}

const removeAll = (places: readonly Place[]) =>
  kubectl(['delete', 'namespace', '--wait=false', ...places.map(({ namespace }) => namespace)]);

const connectHere = (): Promise<Cluster> =>
  connect({ kubeconfig: layoutOf(process.env).kubeconfig } as never, {});

const reasonIn = (said: string): ForeseenReason | undefined => SAID.find(([words]) => words.test(said))?.[1];

const objectsOf = ({ labels, limits = [], quotas = [] }: Row, namespace: string, base: string): object[] => [
  {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace, labels: { ...labels, [LABEL]: base } },
  },
  ...limits.map((item, index) => ({
    apiVersion: 'v1',
    kind: 'LimitRange',
    metadata: { name: `limits-${index}`, namespace },
    spec: { limits: [item] },
  })),
  ...quotas.map((spec, index) => ({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: `quota-${index}`, namespace },
    spec,
  })),
];

/** As the API holds them, when quotas have been counted and pods can be made. */
async function readRules({ core }: Cluster, namespace: string): Promise<NamespaceRules> {
  for (;;) {
    const [{ metadata }, ranges, quotas, accounts] = await Promise.all([
      core.readNamespace({ name: namespace }),
      core.listNamespacedLimitRange({ namespace }),
      core.listNamespacedResourceQuota({ namespace }),
      core.listNamespacedServiceAccount({ namespace }),
    ]);
    const counted = quotas.items.every(({ status }) => status?.used);
    if (counted && accounts.items.length > 0) {
      return {
        name: namespace,
        labels: metadata?.labels ?? {},
        limitRanges: plain(ranges.items) as V1LimitRange[],
        quotas: plain(quotas.items) as V1ResourceQuota[],
      };
    }
    await sleep(200);
  }
}

/** What the API server says against the pod, or nothing. */
async function ask({ core }: Cluster, namespace: string, body: V1Pod): Promise<string | undefined> {
  try {
    await core.createNamespacedPod({ namespace, body, dryRun: 'All' });
    return undefined;
  } catch (error) {
    const status = apiStatusOf(error);
    if (!status) throw error;
    return status.message;
  }
}
