import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import fc from 'fast-check';
import jsonPatch from 'fast-json-patch';
import { CONFIG_ENV, parseConfig } from '../../sidecar/config.ts';
import { ANNOTATION_KEYS } from '../../webhook/annotations.ts';
import { inject } from '../../webhook/inject.ts';
import { PREFIX, SIDECAR_CONTAINER, isOurVolume } from '../../webhook/names.ts';
import { patchOf } from '../../webhook/patch.ts';
import { SUPERVISOR } from '../../webhook/supervised.ts';
import { uninject } from '../../webhook/uninject.ts';
import { meaningOf } from './meaning.ts';

const isOurs = ({ name: each, command = [] }: { name: string; command?: string[] }): boolean =>
  each === SIDECAR_CONTAINER || isOurVolume({ name: each }) || command.includes(SUPERVISOR[0]);

const settings = {
  image: 'image:1',
  imagePullPolicy: 'Always',
  namespace: 'ns',
  drainRandom: 'cmFuZG9tLXJhbmRvbQ',
} as const;

const name = fc.constantFrom('a', 'b', 'server', 'mcp-proxy', 'mcp-bin', 'constructor');
const quantity = fc.constantFrom('1', '1000m', '128Mi', '134217728', '', 'x', '1e3', '-1');
const amounts = fc.dictionary(fc.constantFrom('cpu', 'memory'), quantity);
const some = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const container = fc.record(
  {
    name,
    image: fc.string(),
    ports: fc.array(
      fc.record(
        {
          containerPort: fc.constantFrom(80, 3001, 7410, 7411),
          name: fc.constantFrom('http', 'mcp'),
          protocol: fc.constantFrom('TCP', 'UDP'),
        },
        { requiredKeys: ['containerPort'] },
      ),
      { maxLength: 3 },
    ),
    env: fc.array(
      fc.record({
        name: fc.constantFrom(CONFIG_ENV, 'X'),
        value: fc.constantFrom('', '{}', '{', 'null', '[1]'),
      }),
      { minLength: 1, maxLength: 2 },
    ),
    resources: fc.record({ limits: amounts, requests: amounts }, { requiredKeys: [] }),
    args: fc.array(fc.constantFrom('--host', '127.0.0.1', '-c'), { minLength: 1, maxLength: 3 }),
    command: fc.array(fc.constantFrom('node', '/kubectl-mcp-bin/supervise', '--', '$(X)'), {
      minLength: 1,
      maxLength: 3,
    }),
    livenessProbe: fc.record(
      {
        httpGet: fc.record({ port: fc.constantFrom(3001, 80, 'mcp'), path: fc.string() }),
        periodSeconds: fc.nat(),
      },
      { requiredKeys: ['httpGet'] },
    ),
    lifecycle: fc.record({
      preStop: some(fc.record({ exec: fc.record({ command: fc.array(fc.string()) }) })),
    }),
    volumeMounts: fc.array(
      fc.record({
        name: fc.constantFrom('data', 'kubectl-mcp-keys', 'kubectl-mcp-run'),
        mountPath: fc.string(),
      }),
      {
        maxLength: 1,
      },
    ),
  },
  { requiredKeys: ['name'] },
);
const plain = fc
  .tuple(container, fc.constantFrom('a', 'server'))
  .map(([each, serverName]) => [
    { ...each, name: serverName, ports: [{ containerPort: 3001 }], volumeMounts: [] },
  ]);
const value = fc.oneof(
  fc.constantFrom(
    'true',
    'false',
    'token',
    'none',
    'kubernetes',
    '/mcp',
    '3001',
    'http',
    'a,b*',
    'x/*',
    'server',
    '*',
    '10.0.0.0/8',
    '90s',
    'https://a.test',
    'data/x',
    'loopback',
    'X=1,HOST=127.0.0.1',
    '--host 127.0.0.1',
    '7',
    'stdio',
    '["node", "x"]',
    '[]',
    'shared',
    'per-request',
  ),
  fc.string(),
);
const ours = fc.dictionary(
  fc.oneof(fc.constantFrom(...ANNOTATION_KEYS), fc.string({ maxLength: 12 })).map((key) => PREFIX + key),
  value,
  { maxKeys: 5 },
);
/** Keys of servers that are named: likely ones, and what only looks so. */
const serverName = fc.constantFrom(
  'a',
  'server',
  'news',
  'listen',
  'a.b',
  'A',
  '',
  '__proto__',
  'constructor',
);
const named = fc
  .tuple(
    fc.dictionary(
      fc
        .tuple(serverName, fc.oneof(fc.constantFrom(...ANNOTATION_KEYS), fc.constantFrom('x', 'a.b')))
        .map(([server, key]) => `${PREFIX}${server}.${key}`),
      value,
      { maxKeys: 4 },
    ),
    ours,
  )
  .map(([own, all]) => ({ ...all, ...own, [`${PREFIX}inject`]: 'true' }));
/** So that many are injected. */
const several = fc
  .record(
    {
      'a.port': fc.constantFrom('3001', '3002'),
      'a.path': fc.constantFrom('/a', '/mcp'),
      'a.auth': fc.constantFrom('none', 'kubernetes'),
      'server.port': fc.constantFrom('3001', '3003'),
      'server.listen-port': fc.constantFrom('7500', '7410'),
      'server.token-volume': fc.constant('data/x'),
      auth: fc.constantFrom('token', 'none'),
      'token-secret': fc.constant('callers'),
      'tls-secret': fc.constant('tls'),
      policy: fc.constant('policy'),
    },
    { requiredKeys: ['a.port', 'server.listen-port'] },
  )
  .map((keys) => ({
    ...Object.fromEntries(Object.entries(keys).map(([key, text]) => [PREFIX + key, text])),
    [`${PREFIX}inject`]: 'true',
  }));
/** Of servers that speak stdio. */
const stdio = fc
  .record(
    {
      transport: fc.constant('stdio'),
      command: fc.constantFrom('["node", "x"]', '["$(X)"]', '[]'),
      auth: fc.constantFrom('kubernetes', 'none'),
      'stdio-modern': fc.constantFrom('per-request', 'shared'),
      'stdio-sessions': fc.constantFrom('shared', 'isolated'),
      'stdio-env': fc.constantFrom('A=1', 'A={session-dir}/x\nB=$(Y)'),
      'max-stdio-processes': fc.constant('7'),
    },
    { requiredKeys: ['transport'] },
  )
  .map((keys) => ({
    ...Object.fromEntries(Object.entries(keys).map(([key, text]) => [PREFIX + key, text])),
    [`${PREFIX}inject`]: 'true',
  }));
const others = fc.dictionary(
  fc.string().filter((key) => !key.startsWith(PREFIX)),
  fc.string(),
);
const portList = fc.constantFrom('', '25', '25,587', ' 80 ,90', '7000-7400', 'x', '-');
const meshed = fc.dictionary(
  fc.constantFrom('config.linkerd.io/skip-inbound-ports', 'traffic.sidecar.istio.io/excludeInboundPorts'),
  portList,
);
const meshInit = fc.record(
  {
    name: fc.constantFrom('istio-init', 'linkerd-init'),
    args: fc.array(fc.oneof(fc.constantFrom('-d', '--inbound-ports-to-ignore'), portList), { maxLength: 5 }),
  },
  { requiredKeys: ['name'] },
);
/** As it comes over the wire: plain objects, nothing undefined. */
const podWith = (annotations: fc.Arbitrary<Record<string, string>>): fc.Arbitrary<V1Pod> =>
  fc
    .record({
      metadata: fc.record(
        { annotations, name: fc.string(), generateName: fc.string(), labels: others },
        { requiredKeys: ['annotations'] },
      ),
      spec: fc.record(
        {
          containers: fc.oneof(fc.array(container, { maxLength: 3 }), { arbitrary: plain, weight: 5 }),
          initContainers: fc.array(fc.oneof(container, meshInit), { maxLength: 3 }),
          volumes: fc.array(
            fc.record({ name: fc.constantFrom('data', 'kubectl-mcp-tokens', 'kubectl-mcp-tls-a') }),
            {
              maxLength: 2,
            },
          ),
          hostNetwork: fc.boolean(),
          terminationGracePeriodSeconds: fc.integer({ min: -5, max: 2 ** 31 }),
          securityContext: fc.record({ runAsUser: fc.constantFrom(0, 1, 65532) }),
          shareProcessNamespace: fc.boolean(),
          resources: fc.record({ limits: amounts, requests: amounts }, { requiredKeys: [] }),
          restartPolicy: fc.constantFrom('Never', 'OnFailure'),
        },
        { requiredKeys: ['containers'] },
      ),
    })
    .map(withoutNamesakes)
    .map((pod) => JSON.parse(JSON.stringify(pod)) as V1Pod);

type Named = { name: string };
/** No two containers have one name: the API server refuses such a pod, whatever we say of it. */
function withoutNamesakes<T extends { spec: { containers: Named[]; initContainers?: Named[] } }>(pod: T): T {
  const names = new Set<string>();
  const firsts = (list: Named[]) => list.filter(({ name: each }) => !names.has(each) && names.add(each));
  const { containers, initContainers } = pod.spec;
  const spec = {
    ...pod.spec,
    containers: firsts(containers),
    ...(initContainers && { initContainers: firsts(initContainers) }),
  };
  return { ...pod, spec };
}

test('any pod is injected so that the sidecar can start and a second pass changes nothing, or refused with a mend', () => {
  const told = fc.dictionary(
    fc.constantFrom('loopback-env', 'loopback-args').map((key) => PREFIX + key),
    value,
  );
  const likely = fc.tuple(ours, fc.option(told)).map(([each, more]) => ({
    ...each,
    ...(more && { ...more, [`${PREFIX}lockdown`]: 'loopback' }),
    [`${PREFIX}inject`]: 'true',
  }));
  const plainly = meshed.map((each) => ({ ...each, [`${PREFIX}inject`]: 'true' }));
  const count = { injected: 0, returned: 0, several: 0, stdio: 0 };
  fc.assert(
    fc.property(
      podWith(
        fc.oneof(
          ours,
          likely,
          plainly,
          named,
          { arbitrary: several, weight: 5 },
          { arbitrary: stdio, weight: 8 },
        ),
      ),
      (pod) => {
        const before = structuredClone(pod);
        const result = inject(pod, settings);
        assert.deepEqual(pod, before);
        if ('untouched' in result) return;
        if ('refusals' in result) {
          assert.ok(result.refusals.length > 0);
          for (const each of result.refusals) assert.ok(each.message && each.mend);
          return;
        }
        count.injected++;
        const sidecar = result.pod.spec?.initContainers?.find((each) => each.name === 'mcp-proxy');
        const { servers } = parseConfig(sidecar?.env?.[0]?.value);
        if (servers.length > 1) count.several++;
        if (servers.some(({ upstream }) => upstream.transport === 'stdio')) count.stdio++;
        const patched = jsonPatch.applyPatch(
          structuredClone(pod),
          patchOf(pod, result.pod),
          true,
        ).newDocument;
        assert.deepEqual(patched, result.pod);
        const back = uninject(result.pod);
        assert.equal(uninject(back), back);
        const { containers = [], initContainers = [], volumes = [] } = pod.spec ?? {};
        if (![...containers, ...initContainers, ...volumes].some(isOurs)) {
          count.returned++;
          assert.deepEqual(meaningOf(back), meaningOf(pod));
          assert.deepEqual(inject(back, settings), { ...result, warnings: result.warnings });
        }
        const again = inject(result.pod, { ...settings, drainRandom: 'YW5vdGhlci1hbm90aGVy' });
        assert.deepEqual('pod' in again && again.pod, result.pod);
      },
    ),
    { numRuns: 3_000 },
  );
  assert.ok(Math.min(...Object.values(count)) > 10 && count.injected > 20, JSON.stringify(count));
});

test('a pod without a key of ours is never touched', () => {
  fc.assert(
    fc.property(podWith(others), (pod) => {
      assert.deepEqual(inject(pod, settings), {
        untouched: `no annotation starts with ${PREFIX}`,
        reason: 'NotAnnotated',
      });
    }),
    { numRuns: 500 },
  );
});
