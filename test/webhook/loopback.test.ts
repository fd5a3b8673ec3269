import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { CONFIG_ENV, parseConfig } from '../../sidecar/config.ts';
import { inject } from '../../webhook/inject.ts';
import { uninject } from '../../webhook/uninject.ts';
import { injected, readPod, settings, sidecarOf } from './golden-pods.ts';

const probesIn = (pod: V1Pod) =>
  parseConfig(sidecarOf(pod)?.env?.find(({ name }) => name === CONFIG_ENV)?.value).loopback?.probes;
const edited = (file: string, edit: (pod: V1Pod) => void): V1Pod => {
  const pod = readPod(file);
  edit(pod);
  return pod;
};
const codesOf = (pod: V1Pod): string[] => {
  const result = inject(pod, settings);
  return 'refusals' in result ? result.refusals.map(({ reason }) => reason) : [];
};

/** Istio's agent was told of a probe of this port. */
const toldOf = (port: number) =>
  edited('refused-loopback-istio.yaml', (pod) => {
    const [, proxy] = pod.spec!.containers;
    proxy!.env![0]!.value = proxy!.env![0]!.value!.replace('3001', String(port));
  });

describe('a server that listens on the loopback', () => {
  test('keeps its probes when a mesh leads them to its own agent after us', () => {
    const once = injected(readPod('loopback-istio-wanted.yaml'));
    const meshed = structuredClone(once);
    meshed.spec!.containers[0]!.readinessProbe!.httpGet = { path: '/app-health/server/readyz', port: 15020 };
    const again = injected(meshed);
    assert.deepEqual(probesIn(again), probesIn(once));
    assert.deepEqual(Object.keys(probesIn(again) ?? {}), ['server/readiness']);
    assert.deepEqual(again.spec!.containers, meshed.spec!.containers);
  });

  test('forgets a probe that its author has changed since', () => {
    const once = injected(readPod('loopback-istio-wanted.yaml'));
    once.spec!.containers[0]!.readinessProbe = { exec: { command: ['true'] } };
    assert.deepEqual(probesIn(injected(once)), {});
  });

  test('is told once, whatever another injector has put behind it since', () => {
    const once = injected(readPod('loopback-args.yaml'));
    const [server] = once.spec!.containers;
    server!.args!.push('--trace');
    server!.env!.push({ name: 'LATER', value: '1' });
    const [again] = injected(once).spec!.containers;
    assert.deepEqual(again!.args, ['--port', '3001', '--trace', '--host', '127.0.0.1']);
    assert.deepEqual(
      again!.env?.map(({ name }) => name),
      ['LATER', 'HOST', 'ALLOWED'],
    );
    const [back] = uninject(injected(once)).spec!.containers;
    assert.deepEqual(
      [back!.args, back!.env],
      [['--port', '3001', '--trace'], [{ name: 'LATER', value: '1' }]],
    );
  });

  test('is told once what is said for all servers of its container', () => {
    const pod = edited('loopback-args.yaml', ({ metadata }) => {
      const { 'kubectl-mcp.dev/container': _, ...annotations } = metadata!.annotations!;
      metadata!.annotations = {
        ...annotations,
        'kubectl-mcp.dev/a.container': 'server',
        'kubectl-mcp.dev/b.container': 'server',
        'kubectl-mcp.dev/b.path': '/b',
        'kubectl-mcp.dev/b.listen-port': '7420',
        'kubectl-mcp.dev/b.loopback-args': '--also 127.0.0.1',
      };
    });
    const once = injected(pod);
    const [server] = once.spec!.containers;
    assert.deepEqual(server!.args, ['--port', '3001', '--host', '127.0.0.1', '--also', '127.0.0.1']);
    assert.deepEqual(
      server!.env?.map(({ name }) => name),
      ['HOST', 'ALLOWED'],
    );
    assert.deepEqual(injected(once), once);
    assert.deepEqual(uninject(once).spec!.containers, pod.spec!.containers);
  });

  test('and no more is left as it was before', () => {
    const once = injected(readPod('loopback-probes.yaml'));
    delete once.metadata!.annotations!['kubectl-mcp.dev/lockdown'];
    const plain = readPod('loopback-probes.yaml');
    delete plain.metadata!.annotations!['kubectl-mcp.dev/lockdown'];
    assert.deepEqual(
      structuredClone(injected(once).spec!.containers),
      structuredClone(injected(plain).spec!.containers),
    );
  });

  test('is refused where Istio was told of a probe, unless Istio leaves probes alone', () => {
    assert.deepEqual(codesOf(toldOf(3001)), ['LoopbackProbe']);
    assert.deepEqual(codesOf(toldOf(30015)), []);
    assert.deepEqual(codesOf(toldOf(7411)), []);
  });
});
