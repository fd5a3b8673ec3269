import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { inject } from '../../webhook/inject.ts';
import { uninject } from '../../webhook/uninject.ts';
import { injected, readPod, settings, sidecarOf } from './golden-pods.ts';

const ISTIO = 'traffic.sidecar.istio.io/excludeInboundPorts';
const LINKERD = 'config.linkerd.io/skip-inbound-ports';
const exclusions = ({ metadata }: V1Pod) => [
  metadata?.annotations?.[ISTIO],
  metadata?.annotations?.[LINKERD],
];
const argumentsOf = ({ spec }: V1Pod, name: string) =>
  spec?.initContainers?.find((each) => each.name === name)?.args?.join(' ');

const hooksOf = ({ spec }: V1Pod) => spec?.containers.find((each) => each.name === 'everything')?.lifecycle;

describe('before and after another injector comes the same', () => {
  for (const name of ['istio', 'linkerd-native', 'linkerd-classic', 'vault']) {
    test(name, () => {
      const before = injected(readPod(`${name}-before.yaml`));
      const after = injected(readPod(`${name}-after.yaml`));
      assert.deepEqual(sidecarOf(after), sidecarOf(before));
      assert.deepEqual(exclusions(after), exclusions(before));
      for (const init of ['istio-init', 'linkerd-init']) {
        assert.deepEqual(argumentsOf(after, init), argumentsOf(before, init));
      }
      assert.deepEqual(hooksOf(after), hooksOf(before));
    });
  }
});

const annotated = (annotations: Record<string, string>): V1Pod => {
  const pod = readPod('linkerd-wanted.yaml');
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations: { ...pod.metadata?.annotations, ...annotations } },
  };
};

const listed = (annotations: Record<string, string>) => exclusions(injected(annotated(annotations)))[1];

describe('the admin port', () => {
  test('is kept out of the mesh, and the listen port is not', () => {
    assert.equal(listed({}), '7411');
    assert.equal(listed({ [LINKERD]: '25,587' }), '25,587,7411');
    assert.equal(listed({ [LINKERD]: ' ' }), '7411');
  });

  test('is listed once, and not where a range holds it', () => {
    for (const value of ['7411', '25, 7411', '7000-8000', '7411-7411']) {
      assert.equal(listed({ [LINKERD]: value }), value);
    }
    for (const value of ['74110', '7412-8000', 'x', '-']) {
      assert.equal(listed({ [LINKERD]: value }), `${value},7411`);
    }
  });

  test('is listed anew when it moves', () => {
    const once = injected(annotated({ [LINKERD]: '25' }));
    once.metadata!.annotations!['kubectl-mcp.dev/admin-port'] = '9411';
    assert.equal(exclusions(injected(once))[1], '25,9411');
  });

  test('is no mesh’s business in a pod without one', () => {
    for (const annotations of [{}, { 'linkerd.io/inject': 'disabled' }]) {
      const pod = readPod('deployment.yaml');
      Object.assign(pod.metadata!.annotations!, annotations);
      assert.deepEqual(exclusions(injected(pod)), [undefined, undefined]);
    }
  });

  test('is taken out again, and with it a list that held it alone', () => {
    assert.deepEqual(exclusions(uninject(injected(annotated({})))), [undefined, undefined]);
    assert.deepEqual(exclusions(uninject(injected(annotated({ [LINKERD]: '25' })))), [undefined, '25']);
  });
});

test('arguments of a mesh that are not as expected stay as they are', () => {
  for (const args of [undefined, [], ['-d'], ['istio-iptables']]) {
    const pod = readPod('istio-before.yaml');
    const init = pod.spec!.initContainers!.find(({ name }) => name === 'istio-init')!;
    if (args) init.args = args;
    else delete init.args;
    const result = inject(pod, settings);
    assert.ok('pod' in result);
    assert.equal(argumentsOf(result.pod, 'istio-init'), args?.join(' '));
  }
});

const hookWith = (probers: string) => {
  const pod = readPod('istio-after.yaml');
  const proxy = pod.spec!.initContainers!.find(({ name }) => name === 'istio-proxy')!;
  proxy.env!.find(({ name }) => name === 'ISTIO_KUBE_APP_PROBERS')!.value = probers;
  return injected(pod).spec?.containers[0]?.lifecycle?.preStop?.httpGet?.path;
};

test('hooks that Istio sends through its agent lead back to the sidecar only where they were its own', () => {
  const agent = '/app-lifecycle/everything/prestopz';
  for (const probers of [
    '',
    '{',
    'null',
    '{}',
    `{"${agent}":null}`,
    `{"${agent}":{"httpGet":{"path":"/bye"}}}`,
  ]) {
    assert.equal(hookWith(probers), agent, probers);
  }
});
