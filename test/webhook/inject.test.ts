import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import jsonPatch from 'fast-json-patch';
import { stringify } from 'yaml';
import { CONFIG_ENV, parseConfig } from '../../sidecar/config.ts';
import { inject } from '../../webhook/inject.ts';
import { patchOf } from '../../webhook/patch.ts';
import { refusalText } from '../../webhook/refusals.ts';
import { SUPERVISOR } from '../../webhook/supervised.ts';
import { uninject } from '../../webhook/uninject.ts';
import { assertGolden } from './golden.ts';
import { meaningOf } from './meaning.ts';
import { GOLDEN, injectable, injected, readPod, refused, settings, sidecarOf } from './golden-pods.ts';

/** By the names before the dots, or one without. */
const serversNamedIn = ({ metadata }: V1Pod): number => {
  const keys = Object.keys(metadata?.annotations ?? {}).map(
    (each) => /^kubectl-mcp\.dev\/(.+)\./.exec(each)?.[1],
  );
  return new Set(keys.filter((each) => each !== undefined)).size || 1;
};

describe('pods that are injected', () => {
  for (const file of injectable) {
    const pod = readPod(file);
    test(`${file} becomes its golden twin`, () => {
      const before = structuredClone(pod);
      const result = inject(pod, settings);
      assert.ok('pod' in result, JSON.stringify(result));
      assert.deepEqual(pod, before, 'the argument is not changed');
      const warnings = result.warnings.map((each) => `# warning: ${each}\n`).join('');
      assertGolden(
        new URL(file.replace('.yaml', '.injected.yaml'), GOLDEN),
        warnings + stringify(result.pod, { lineWidth: 0, aliasDuplicateObjects: false }),
      );
    });

    test(`${file} is the same after a second pass with another drain path`, () => {
      const once = injected(pod);
      assert.deepEqual(injected(once, { drainRandom: 'YW5vdGhlci1yYW5kb20tcGFydA' }), once);
      assert.deepEqual(patchOf(once, injected(once)), []);
    });

    test(`${file}: the patch makes the same pod`, () => {
      const once = injected(pod);
      const patched = jsonPatch.applyPatch(structuredClone(pod), patchOf(pod, once)).newDocument;
      assert.deepEqual(patched, once);
    });

    test(`${file}: the sidecar has a request for cpu and memory, without which no autoscaler counts a pod`, () => {
      const { requests } = sidecarOf(injected(pod))?.resources ?? {};
      assert.ok(requests?.['cpu'] && requests['memory'], JSON.stringify(requests));
    });

    test(`${file}: the sidecar can read its configuration`, () => {
      const text = sidecarOf(injected(pod))?.env?.find(({ name }) => name === CONFIG_ENV)?.value;
      assert.doesNotMatch(text ?? '', /\$/, 'Kubernetes would expand it');
      assert.equal(parseConfig(text).servers.length, serversNamedIn(pod));
    });
  }
});

test('there are enough of them', () => assert.ok(injectable.length + refused.length >= 60));

describe('pods that are refused', () => {
  for (const file of refused) {
    test(`${file} gets its golden message`, () => {
      const result = inject(readPod(file), settings);
      assert.ok('refusals' in result, JSON.stringify(result));
      const lines = result.refusals.map((each) => `${refusalText([each])}\n`);
      assertGolden(new URL(file.replace('.yaml', '.txt'), GOLDEN), lines.join(''));
    });
  }
});

describe('pods that are left alone', () => {
  const pod = readPod('deployment.yaml');
  const annotated = (annotations: Record<string, string> | undefined): V1Pod => ({
    ...pod,
    metadata: { ...pod.metadata, annotations: annotations ?? {} },
  });
  const reasonOf = (annotations: Record<string, string> | undefined) => {
    const result = inject(annotated(annotations), settings);
    return 'untouched' in result ? result.untouched : result;
  };

  test('no annotations, and annotations of others', () => {
    const reason = 'no annotation starts with kubectl-mcp.dev/';
    assert.equal(reasonOf(undefined), reason);
    assert.equal(
      reasonOf({ 'sidecar.istio.io/inject': 'true', 'other.kubectl-mcp.dev/inject': 'true' }),
      reason,
    );
  });
  test('inject "false", whatever else is written', () => {
    assert.equal(
      reasonOf({ 'kubectl-mcp.dev/inject': 'false', 'kubectl-mcp.dev/prot': 'x' }),
      'kubectl-mcp.dev/inject is "false"',
    );
  });
  test('the mirror of a static pod', () => {
    assert.equal(
      reasonOf({ 'kubectl-mcp.dev/inject': 'true', 'kubernetes.io/config.mirror': 'abc' }),
      'mirror of a static pod',
    );
  });
});

test('a container that another injector adds later does not change what the first pass chose', () => {
  const mesh = { name: 'logs', image: 'example.test/mesh:1', ports: [{ containerPort: 15090 }] };
  for (const file of ['deployment.yaml', 'servers-by-path.yaml', 'stdio.yaml', 'stdio-servers.yaml']) {
    const once = injected(readPod(file));
    const meshed = { ...once, spec: { ...once.spec, containers: [mesh, ...(once.spec?.containers ?? [])] } };
    assert.deepEqual(injected(meshed), meshed, file);
  }
});

test('a program that another injector puts before the supervisor of a stdio server stays there', () => {
  for (const file of ['stdio.yaml', 'stdio-command.yaml']) {
    const once = injected(readPod(file));
    const [server] = once.spec!.containers;
    const [, ...others] = once.spec!.containers;
    const args = [...server!.command!, ...(server!.args ?? [])];
    const wrapped = { ...server!, command: ['/vault/vault-env'], args };
    const later = { ...once, spec: { ...once.spec!, containers: [wrapped, ...others] } };
    assert.deepEqual(injected(later), later, file);
    const [back] = uninject(later).spec!.containers;
    assert.deepEqual(
      [back?.command, back?.args],
      [['/vault/vault-env'], args.slice(SUPERVISOR.length)],
      file,
    );
  }
});

test('a server that speaks stdio no more has its command back', () => {
  for (const file of ['stdio.yaml', 'stdio-command.yaml']) {
    const pod = readPod(file);
    const once = injected(pod);
    const annotations = { 'kubectl-mcp.dev/inject': 'true', 'kubectl-mcp.dev/port': '3001' };
    const changed = (each: V1Pod): V1Pod => ({ ...each, metadata: { ...each.metadata, annotations } });
    const [again, fresh] = [injected(changed(once)), injected(changed(pod))];
    assert.deepEqual(meaningOf(again).spec?.containers, meaningOf(fresh).spec?.containers, file);
    assert.doesNotMatch(JSON.stringify(again.spec), /mcp-bin|kubectl-mcp-(bin|run)|supervise/, file);
  }
});

test('what other injectors add to the sidecar is taken out again', () => {
  const once = injected(readPod('deployment.yaml'));
  const [sidecar] = once.spec?.initContainers ?? [];
  assert.ok(sidecar && once.spec);
  const env = [...(sidecar.env ?? []), { name: 'NODE_OPTIONS', value: '--require=/x.js' }];
  const touched = {
    ...once,
    spec: { ...once.spec, initContainers: [{ ...sidecar, env, image: 'other:1' }] },
  };
  assert.deepEqual(injected(touched), once);
});

const annotatedWith = (annotations: Record<string, string>): V1Pod => {
  const pod = readPod('deployment.yaml');
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations: { ...pod.metadata?.annotations, ...annotations } },
  };
};
/** As Vault's does: its webhook configuration comes after ours by name, and ours is asked once more. */
const filledBy = (pod: V1Pod, mountsOfServer: { name: string; mountPath: string }[]): V1Pod => ({
  ...pod,
  spec: {
    ...pod.spec,
    containers: [
      ...pod.spec!.containers.map((each) => ({ ...each, volumeMounts: mountsOfServer })),
      { name: 'vault-agent', image: 'example.test/vault:1' },
    ],
    volumes: [...(pod.spec!.volumes ?? []), { name: 'vault-secrets', emptyDir: {} }],
  },
});
const mount = { name: 'vault-secrets', mountPath: '/vault/secrets' };

describe('a volume that another injector adds after us', () => {
  test('is mounted from the first pass on, with a warning until it is there', () => {
    const pod = annotatedWith({ 'kubectl-mcp.dev/upstream-headers-volume': 'vault-secrets/mcp' });
    const first = inject(pod, settings);
    assert.ok('pod' in first);
    assert.match(first.warnings.join(), /has no volume "vault-secrets" \(it has: /);
    const second = inject(filledBy(first.pod, [mount]), settings);
    assert.ok('pod' in second, JSON.stringify(second));
    assert.deepEqual(second.warnings, []);
    const sidecar = second.pod.spec?.initContainers?.find(({ name }) => name === 'mcp-proxy');
    assert.ok(sidecar?.volumeMounts?.some(({ name, readOnly }) => name === 'vault-secrets' && readOnly));
  });

  test('is refused for tokens when the server gets it too', () => {
    const pod = annotatedWith({
      'kubectl-mcp.dev/auth': 'token',
      'kubectl-mcp.dev/token-volume': 'vault-secrets',
    });
    const once = injected(pod);
    assert.ok('pod' in inject(filledBy(once, []), settings));
    const result = inject(filledBy(once, [mount]), settings);
    assert.match(
      'refusals' in result ? refusalText(result.refusals) : '',
      /"vault-secrets" is mounted by container "[^"]+" too, which could read its callers' tokens/,
    );
  });
});

const kibibytes = (count: number) => 'x'.repeat(count * 1024);
const tools = (count: number) =>
  Array.from({ length: count }, (_, index) => `tool-${index}-${'x'.repeat(90)}`);

describe('annotations as large as they may be', () => {
  test('of others are nothing to us', () => {
    const pod = readPod('deployment.yaml');
    pod.metadata!.annotations!['example.test/big'] = kibibytes(255);
    const once = injected(pod);
    assert.equal(once.metadata?.annotations?.['example.test/big'], kibibytes(255));
    assert.ok(JSON.stringify(patchOf(pod, once)).length < 10_000);
  });

  test('of ours are refused when no process could be given them', () => {
    const many = annotatedWith({ 'kubectl-mcp.dev/allow-tools': tools(2_000).join(',') });
    const result = inject(many, settings);
    assert.ok('refusals' in result);
    assert.deepEqual(
      result.refusals.map(({ reason, annotation }) => [reason, annotation]),
      [['ConfigurationTooLarge', 'kubectl-mcp.dev/allow-tools']],
    );
    assert.ok(refusalText(result.refusals).length < 500);
    injected(annotatedWith({ 'kubectl-mcp.dev/allow-tools': tools(1_000).join(',') }));
  });
});
