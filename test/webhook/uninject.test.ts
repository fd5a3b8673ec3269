import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { V1Container, V1Pod } from '@kubernetes/client-node';
import { CONFIG_ENV } from '../../sidecar/config.ts';
import { uninject } from '../../webhook/uninject.ts';
import { injectable, injected, readPod, refused, sidecarOf } from './golden-pods.ts';
import { meaningOf } from './meaning.ts';

const hasOurs = (pod: V1Pod) => sidecarOf(pod)?.env?.some(({ name }) => name === CONFIG_ENV);

describe('what was injected comes back as it was', () => {
  for (const file of injectable) {
    const pod = readPod(file);
    test(file, () => {
      const once = injected(pod);
      const before = structuredClone(once);
      const back = uninject(once);
      assert.deepEqual(once, before, 'the argument is not changed');
      assert.deepEqual(meaningOf(back), meaningOf(hasOurs(pod) ? uninject(pod) : pod));
      assert.equal(uninject(back), back, 'twice is once');
      if (hasOurs(pod)) return;
      assert.deepEqual(injected(back), once, 'and is injected as it was');
      assert.doesNotMatch(JSON.stringify(back), /kubectl-mcp-(keys|kubernetes)|\/drain\/|KUBECTL_MCP/);
    });
  }
});

test('what was never injected is returned itself', () => {
  for (const file of [...injectable, ...refused]) {
    const pod = readPod(file);
    if (!hasOurs(pod)) assert.equal(uninject(pod), pod, file);
  }
});

const stub = (file: string): V1Container | undefined => sidecarOf(uninject(injected(readPod(file))));

test('of a container mcp-proxy of the user’s own there is left what the webhook takes from it', () => {
  assert.deepEqual(stub('own-sidecar.yaml'), {
    name: 'mcp-proxy',
    image: 'kubectl-mcp.dev/kubectl-mcp:0.1.0',
    resources: { limits: { memory: '256Mi' } },
    startupProbe: { periodSeconds: 2, failureThreshold: 60 },
  });
  assert.deepEqual(stub('own-sidecar-requests.yaml'), {
    name: 'mcp-proxy',
    image: 'kubectl-mcp.dev/kubectl-mcp:0.1.0',
    resources: { limits: { cpu: '500m' }, requests: { cpu: '50m', memory: '64Mi' } },
    livenessProbe: { initialDelaySeconds: 5, periodSeconds: 30 },
    readinessProbe: { timeoutSeconds: 5 },
  });
});

test('after other annotations have come, the pod is the same without the sidecar', () => {
  const once = injected(readPod('deployment.yaml'));
  const edited = structuredClone(once);
  edited.metadata!.annotations!['kubectl-mcp.dev/port'] = 'not there';
  const { metadata: _, ...back } = uninject(edited);
  const { metadata: __, ...pod } = readPod('deployment.yaml');
  assert.deepEqual(meaningOf(back), meaningOf(pod));
});
