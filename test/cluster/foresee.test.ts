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
import type { Row } from '../webhook/foresee/row.ts';
import { ROWS } from '../webhook/foresee/rows.ts';
import { SETTINGS, podOf } from '../webhook/foresee/subject.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { namespaceName } from './namespace.ts';

const BASE = namespaceName('test-foresee');
const LABEL = 'test.kubectl-mcp.dev/foresee';
const cases = ROWS.map((row, index) => ({ row, namespace: `${BASE}-${index}` }));

const SAID: readonly [RegExp, ForeseenReason][] = [
  [/(minimum|maximum) \S+ usage per|max limit to request ratio/, 'LimitRangeExceeded'],
  [/(exceeded|failed) quota: /, 'QuotaExceeded'],
  [/violates PodSecurity/, 'PodSecurityViolated'],
];

describe('foresight and the API server', { skip: noCluster, timeout: 240_000 }, () => {
  let cluster: Cluster;
  before(async () => {
    await kubectl(['delete', 'namespace', '-l', `${LABEL}=true`, '--wait=false']);
    const items = cases.flatMap(({ row, namespace }) => objectsOf(row, namespace));
    await kubectl(['create', '-f', '-'], {
      input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
    });
    cluster = await connect({ kubeconfig: layoutOf(process.env).kubeconfig } as never, {});
  });
  after(() => kubectl(['delete', 'namespace', '-l', `${LABEL}=true`, '--wait=false']));

  for (const { row, namespace } of cases) {
    test(`${row.title}: ${row.refused ?? 'admitted'}`, async () => {
      const rules = await readRules(cluster, namespace);
      const pod = podOf(row);
      const said = await ask(cluster, namespace, pod);
      const reason = said === undefined ? undefined : SAID.find(([words]) => words.test(said))?.[1];
      assert.deepEqual(
        { refused: said !== undefined, reason },
        { refused: row.refused !== undefined, reason: row.refused },
        said ?? '',
      );
      const settings = { ...SETTINGS, namespace };
      const found = foresee(pod, rules, settings);
      assert.deepEqual([...new Set(found.map((each) => each.reason))], reason ? [reason] : []);

      const injected = admitted(pod, rules.limitRanges!, settings);
      const fitting = found.length > 0 ? fittingResources(injected!, rules, 1) : undefined;
      if (!fitting || row.refused === 'PodSecurityViolated') return;
      const { cpu, memory } = fitting;
      const own = {
        name: SIDECAR_CONTAINER,
        image: 'replaced',
        resources: { requests: { cpu: cpu.request, memory }, limits: { cpu: cpu.limit, memory } },
      };
      const initContainers = (pod.spec?.initContainers ?? []).filter(({ name }) => name !== own.name);
      const mended = { ...pod, spec: { ...pod.spec!, initContainers: [own, ...initContainers] } };
      const still = foresee(mended, rules, settings).length > 0;
      assert.equal((await ask(cluster, namespace, mended)) !== undefined, still, JSON.stringify(own));
    });
  }
});

const objectsOf = ({ labels = {}, limits = [], quotas = [] }: Row, namespace: string): object[] => [
  {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace, labels: { ...labels, [LABEL]: 'true' } },
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
