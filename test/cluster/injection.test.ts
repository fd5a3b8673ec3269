/** The webhook on a real cluster: what asks for it is injected or refused, everything else never meets it. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Pod, V1PodList } from '@kubernetes/client-node';
import { imageName } from '../images/build.ts';
import { PAUSE_IMAGE } from '../rig/cluster/layout.ts';
import { inject } from '../../webhook/inject.ts';
import {
  INSTALL_NAMESPACE,
  PREFIX,
  VOLUME,
  WEBHOOK_CONFIGURATION,
  WEBHOOK_ENTRY,
  WEBHOOK_NAME,
} from '../../webhook/names.ts';
import { patchOf } from '../../webhook/patch.ts';
import { kubectl, noCluster, webhookRolledOut } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';
import { createOwned } from './owned.ts';

const NAMESPACE = namespaceName('test-injection');
const INSTALL = new URL('../../manifests/install.yaml', import.meta.url).pathname;
const SELECTOR = 'app.kubernetes.io/component=webhook';
const ACCOUNT = `system:serviceaccount:${INSTALL_NAMESPACE}:${WEBHOOK_NAME}`;
const configuration = ['mutatingwebhookconfiguration', WEBHOOK_CONFIGURATION];

const inNamespace = (...args: string[]) => kubectl(['-n', NAMESPACE, ...args]);
const apply = (object: object, ...flags: string[]) =>
  kubectl(['-n', NAMESPACE, 'create', '-f', '-', ...flags], { input: JSON.stringify(object) });
const failure = async (work: Promise<string>): Promise<string> => {
  const result = await work.then(
    () => undefined,
    (error: Error) => error.message,
  );
  assert.ok(result !== undefined, 'should have been refused');
  return result;
};
const prefixed = (annotations: Record<string, string>) =>
  Object.fromEntries(Object.entries(annotations).map(([key, value]) => [PREFIX + key, value]));

/** Until the work returns something; the last fault is the message when it does not. */
async function eventually<T>(
  work: () => Promise<T | undefined>,
  what: string,
  timeoutMs = 60_000,
): Promise<T> {
  for (const end = Date.now() + timeoutMs; Date.now() < end; await sleep(500)) {
    const found = await work();
    if (found !== undefined) return found;
  }
  assert.fail(`${what}: not within ${timeoutMs / 1000} s`);
}

/** Restricted, as the namespace demands. */
const template = (name: string, annotations: Record<string, string>, image: string, command?: string[]) => ({
  metadata: { labels: { app: name }, annotations },
  spec: {
    terminationGracePeriodSeconds: 2,
    securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'server',
        image,
        ...(command && { command }),
        ports: [{ containerPort: 3001 }],
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      },
    ],
  },
});
const deployment = (name: string, annotations: Record<string, string>, image = imageName('everything')) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: { selector: { matchLabels: { app: name } }, template: template(name, annotations, image) },
});
const idlePod = (name: string, annotations: Record<string, string>) => {
  const { metadata, spec } = template(name, annotations, PAUSE_IMAGE, ['/bin/busybox', 'sleep', '600']);
  return { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name }, spec };
};
const read = async (name: string) => JSON.parse(await inNamespace('get', 'pod', name, '-o', 'json')) as V1Pod;
const running = (name: string) =>
  eventually(async () => ((await read(name)).status?.phase === 'Running' ? true : undefined), `${name} runs`);
const seenByWebhook = async (): Promise<string[]> =>
  (await kubectl(['-n', INSTALL_NAMESPACE, 'logs', '-l', SELECTOR, '--tail=-1']))
    .split('\n')
    .filter((line) => line.includes(`"namespace":"${NAMESPACE}"`));

const scale = (replicas: number) =>
  kubectl(['-n', INSTALL_NAMESPACE, 'scale', `deployment/${WEBHOOK_NAME}`, `--replicas=${replicas}`]);
/** Whether the webhook's account is granted it. */
const may = (...args: string[]) =>
  kubectl(['--as', ACCOUNT, 'auth', 'can-i', ...args]).then(
    () => true,
    () => false,
  );
/** What the webhook wrote: trust and certificate. */
const written = async () => [
  await kubectl(['get', ...configuration, '-o', 'jsonpath={.webhooks[0].clientConfig.caBundle}']),
  await kubectl(['-n', INSTALL_NAMESPACE, 'get', 'secret', WEBHOOK_NAME, '-o', 'jsonpath={.data.tls\\.crt}']),
];

describe('injection on a cluster', { skip: noCluster, timeout: 600_000 }, () => {
  before(async () => {
    await kubectl(['apply', '-f', INSTALL]);
    await webhookRolledOut();
    await createNamespace(NAMESPACE, { 'pod-security.kubernetes.io/enforce': 'restricted' });
  });
  after(() => removeNamespace(NAMESPACE));

  test('an annotated Deployment runs with its sidecar in a restricted namespace', async () => {
    await apply(deployment('plain', prefixed({ inject: 'true' })));
    await inNamespace('rollout', 'status', 'deployment/plain', '--timeout=120s');
    const list = JSON.parse(await inNamespace('get', 'pods', '-l', 'app=plain', '-o', 'json')) as V1PodList;
    const [pod] = list.items;
    assert.ok(pod?.spec);
    const [sidecar] = pod.spec.initContainers ?? [];
    assert.equal(sidecar?.name, 'mcp-proxy');
    assert.deepEqual(
      sidecar.volumeMounts?.map(({ name }) => name),
      [VOLUME.kubernetes, VOLUME.keys],
      'no other token than its own',
    );
    const mounts = pod.spec.containers.flatMap((each) => each.volumeMounts ?? []).map(({ name }) => name);
    assert.ok(
      !mounts.some((name) => (Object.values(VOLUME) as string[]).includes(name)),
      'the server has none of it',
    );

    // The admission controllers between our two passes, and the API server's defaults, left nothing to change.
    const settings = {
      image: sidecar.image ?? '',
      imagePullPolicy: 'IfNotPresent',
      namespace: NAMESPACE,
      drainRandom: 'YW5vdGhlci1yYW5kb20tcGFydA',
    } as const;
    const again = inject(pod, settings);
    assert.ok('pod' in again, JSON.stringify(again));
    assert.deepEqual(patchOf(pod, again.pod), []);
  });

  for (const [name, annotations, message] of [
    [
      'eighty',
      { inject: 'true', port: 'eighty' },
      /kubectl-mcp\.dev\/port: "eighty" is neither a number nor the name of a port .*; set it to the number of the server's port/,
    ],
    [
      'misspelt',
      { inject: 'true', 'deny-tool': 'echo' },
      /kubectl-mcp\.dev\/deny-tool: "echo" is not a known annotation; perhaps kubectl-mcp\.dev\/deny-tools is meant/,
    ],
    [
      'secretless',
      { inject: 'true', auth: 'token' },
      /kubectl-mcp\.dev\/auth: "token" needs kubectl-mcp\.dev\/token-secret or kubectl-mcp\.dev\/token-volume; name the Secret there/,
    ],
  ] as const) {
    test(`${JSON.stringify(annotations)} is refused where a person looks: at once, and in the events of what makes pods`, async () => {
      const early = await failure(apply(deployment(name, prefixed(annotations))));
      assert.match(early, /admission webhook "workloads\.kubectl-mcp\.dev" denied the request/);
      assert.match(early, message);
      await createOwned(NAMESPACE, name, template(name, prefixed(annotations), imageName('everything')));
      const event = await eventually(async () => {
        const fields = 'reason=FailedCreate,involvedObject.kind=ReplicaSet';
        const all = await inNamespace(
          'get',
          'events',
          '--field-selector',
          fields,
          '-o',
          'jsonpath={range .items[*]}{.involvedObject.name} {.message}{"\\n"}{end}',
        );
        return all.split('\n').find((line) => line.startsWith(`${name} `));
      }, `an event of ${name}`);
      assert.match(event, /admission webhook "inject\.kubectl-mcp\.dev" denied the request/);
      assert.match(event, message);
      assert.equal(await inNamespace('get', 'pods', '-l', `app=${name}`, '-o', 'name'), '');
    });
  }

  test('pods that did not ask are as they would be without us, and the webhook never sees them', async () => {
    const big = { 'example.test/big': 'x'.repeat(256 * 1024 - 'example.test/big'.length) };
    for (const [name, annotations] of [
      ['bare', {}],
      ['foreign', { 'sidecar.istio.io/inject': 'true', 'not.kubectl-mcp.dev/inject': 'true' }],
      ['big', big],
    ] as const) {
      await apply(idlePod(name, annotations));
      await running(name);
      const pod = await read(name);
      assert.equal(pod.spec?.initContainers, undefined);
      assert.equal(pod.spec?.containers[0]?.lifecycle, undefined);
      assert.deepEqual(pod.metadata?.annotations ?? {}, annotations);
    }
    const seen = await seenByWebhook();
    assert.ok(
      seen.some((line) => line.includes('"pod":"plain-')),
      'it does see annotated ones',
    );
    for (const name of ['bare', 'foreign', 'big']) {
      assert.ok(!seen.some((line) => line.includes(`"pod":"${name}"`)), name);
    }
  });

  test('a pod that opted out is left alone', async () => {
    const text = await apply(idlePod('out', prefixed({ inject: 'false' })), '--dry-run=server', '-o', 'json');
    assert.equal((JSON.parse(text) as V1Pod).spec?.initContainers, undefined);
  });

  test('a dry run shows the injected pod', async () => {
    const text = await apply(idlePod('dry', prefixed({ inject: 'true' })), '--dry-run=server', '-o', 'json');
    assert.equal((JSON.parse(text) as V1Pod).spec?.initContainers?.[0]?.name, 'mcp-proxy');
  });

  test("the webhook's account may write the caBundle of its configuration, and change nothing else", async () => {
    const patch = (operation: object, type = 'json') =>
      kubectl([
        '--as',
        ACCOUNT,
        'patch',
        ...configuration,
        '--dry-run=server',
        `--type=${type}`,
        '-p',
        JSON.stringify(operation),
      ]);
    const json = (op: string, path: string, value?: unknown) => patch([{ op, path, value }]);
    const caBundle = await kubectl([
      'get',
      ...configuration,
      '-o',
      'jsonpath={.webhooks[0].clientConfig.caBundle}',
    ]);
    await json(
      'replace',
      '/webhooks/0/clientConfig/caBundle',
      Buffer.from(`${Buffer.from(caBundle, 'base64')}\n`).toString('base64'),
    );

    const changes: [op: string, path: string, value?: unknown][] = [
      ['replace', '/webhooks/0/failurePolicy', 'Ignore'],
      ['replace', '/webhooks/0/timeoutSeconds', 30],
      ['replace', '/webhooks/0/reinvocationPolicy', 'Never'],
      ['replace', '/webhooks/0/rules/0/resources', ['*']],
      ['replace', '/webhooks/0/rules/0/operations', ['CREATE', 'UPDATE']],
      ['remove', '/webhooks/0/matchConditions'],
      ['replace', '/webhooks/0/matchConditions/0/expression', 'true'],
      ['remove', '/webhooks/0/namespaceSelector'],
      ['add', '/webhooks/0/objectSelector', { matchLabels: { a: 'b' } }],
      ['replace', '/webhooks/0/clientConfig', { url: 'https://example.test/inject' }],
      ['replace', '/webhooks/0/clientConfig/service/name', 'other'],
      ['replace', '/webhooks/0/name', 'other.kubectl-mcp.dev'],
      ['remove', '/webhooks/0'],
      ['add', '/metadata/annotations', { a: 'b' }],
      ['add', '/metadata/labels/a', 'b'],
      ['add', '/metadata/finalizers', ['example.test/stay']],
    ];
    for (const [op, path, value] of changes) {
      assert.match(
        await failure(json(op, path, value)),
        /may change the caBundle of its own configurations only/,
        path,
      );
    }
  });

  test("nor of the early word's", async () => {
    const early = ['validatingwebhookconfiguration', WEBHOOK_CONFIGURATION];
    const patch = (value: object) =>
      kubectl([
        '--as',
        ACCOUNT,
        'patch',
        ...early,
        '--dry-run=server',
        '--type=json',
        '-p',
        JSON.stringify([value]),
      ]);
    const bundle = await kubectl(['get', ...early, '-o', 'jsonpath={.webhooks[1].clientConfig.caBundle}']);
    const value = Buffer.from(`${Buffer.from(bundle, 'base64')}\n`).toString('base64');
    await patch({ op: 'replace', path: '/webhooks/1/clientConfig/caBundle', value });
    for (const [path, other] of [
      ['/webhooks/0/failurePolicy', 'Fail'],
      ['/webhooks/1/objectSelector', {}],
      ['/webhooks/0/matchConditions/0/expression', 'true'],
      ['/webhooks/0/clientConfig/service/path', '/other'],
    ] as const) {
      const said = await failure(patch({ op: 'replace', path, value: other }));
      assert.match(said, /may change the caBundle of its own configurations only/, path);
    }
  });

  test("the webhook's account can do nothing else", async () => {
    assert.equal(await may('update', `secret/${WEBHOOK_NAME}`, '-n', INSTALL_NAMESPACE), true);
    for (const args of [
      ['get', 'secret/another', '-n', INSTALL_NAMESPACE],
      ['list', 'secrets', '-n', INSTALL_NAMESPACE],
      ['create', 'secrets', '-n', INSTALL_NAMESPACE],
      ['get', 'secrets', '-n', 'default'],
      ['get', 'pods', '-n', 'default'],
      ['delete', configuration.join('/')],
      ['update', configuration.join('/')],
      ['patch', 'mutatingwebhookconfiguration/another'],
      ['patch', 'validatingwebhookconfiguration/another'],
      ['delete', `validatingwebhookconfiguration/${WEBHOOK_CONFIGURATION}`],
      ['get', 'limitranges/x', '-n', 'default'],
      ['create', 'mutatingwebhookconfigurations'],
    ]) {
      assert.equal(await may(...args), false, args.join(' '));
    }
  });

  test('applying the manifests again changes neither certificate nor trust', async () => {
    const old = await written();
    assert.ok(old.every((each) => each.length > 100));
    await kubectl(['apply', '-f', INSTALL]);
    assert.deepEqual(await written(), old);
  });

  test('a Secret that lost its data is filled anew, and trusted, without a restart', async () => {
    const old = await written();
    const secret = ['-n', INSTALL_NAMESPACE, 'patch', 'secret', WEBHOOK_NAME, '--type=json', '-p'];
    await kubectl([...secret, JSON.stringify([{ op: 'remove', path: '/data' }])]);
    await eventually(async () => {
      const [caBundle, certificate] = await written();
      return certificate && caBundle !== old[0] ? true : undefined;
    }, 'a new CA');
    const text = await apply(
      idlePod('renewed', prefixed({ inject: 'true' })),
      '--dry-run=server',
      '-o',
      'json',
    );
    assert.equal((JSON.parse(text) as V1Pod).spec?.initContainers?.[0]?.name, 'mcp-proxy');
  });

  test('without a webhook annotated pods are refused, and all others start', async () => {
    await scale(0);
    try {
      // Gone, not leaving: it answers until endpoints are withdrawn.
      await kubectl([
        '-n',
        INSTALL_NAMESPACE,
        'wait',
        'pod',
        '-l',
        SELECTOR,
        '--for=delete',
        '--timeout=60s',
      ]);
      assert.match(
        await failure(apply(idlePod('away', prefixed({ inject: 'true' })))),
        /failed calling webhook "inject\.kubectl-mcp\.dev"/,
      );
      await apply(idlePod('unasked', {}));
      await running('unasked');
    } finally {
      await scale(1);
      await webhookRolledOut();
    }
    await eventually(
      () =>
        apply(idlePod('back', prefixed({ inject: 'true' })), '--dry-run=server').then(
          () => true,
          () => undefined,
        ),
      'the webhook is back',
    );
  });

  test('no condition of ours failed to evaluate on any pod of the cluster', async () => {
    const metrics = await kubectl(['get', '--raw', '/metrics']);
    const counted = (name: string): string[] =>
      metrics
        .split('\n')
        .filter((line) => line.startsWith(`apiserver_admission_match_condition_${name}{`))
        .filter((line) => line.includes('kubectl-mcp') && !line.endsWith(' 0'));
    const gate = counted('exclusions_total').filter((line) => line.includes(WEBHOOK_ENTRY));
    assert.equal(gate.length, 1, 'it was evaluated, and kept pods from us');
    assert.deepEqual(counted('evaluation_errors_total'), []);
  });
});
