import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { CONFIG_ENV } from '../../../sidecar/config.ts';
import { outdatedPods, outdatedReasons } from '../../../plugin/upgrade/outdated.ts';
import { injectable, injected, readPod, settings, sidecarOf } from '../../webhook/golden-pods.ts';

const webhook = { image: settings.image, imagePullPolicy: settings.imagePullPolicy } as const;
const fresh = (): V1Pod => {
  const pod = injected(readPod('auth-none.yaml'));
  return { ...pod, metadata: { ...pod.metadata, namespace: 'demo' } };
};
const configOf = (pod: V1Pod) => sidecarOf(pod)!.env!.find((each) => each.name === CONFIG_ENV)!;
const inNamespace = (namespace: string): V1Pod => ({
  ...fresh(),
  metadata: { ...fresh().metadata, namespace },
});

describe('a proxy is outdated', () => {
  it('never, as the webhook has just made it', () => {
    for (const file of injectable) {
      const pod = injected(readPod(file));
      const there = { ...pod, metadata: { ...pod.metadata, namespace: settings.namespace } };
      assert.deepEqual(outdatedReasons(there, webhook), [], file);
    }
  });

  it('not for a name that was generated after the webhook was asked', () => {
    const bare = readPod('auth-none.yaml');
    const { name: _name, annotations, ...metadata } = bare.metadata!;
    const { 'kubectl-mcp.dev/name': _given, ...kept } = annotations!;
    const asked = { ...metadata, annotations: kept, namespace: 'demo', generateName: 'tool-' };
    const { ownerReferences: _none, ...alone } = asked;
    const made = injected({ ...bare, metadata: alone });
    const named = { ...made, metadata: { ...made.metadata, name: 'tool-x7k2p' } };
    assert.deepEqual(outdatedReasons(named, webhook), []);
  });

  it('when the webhook has another image', () => {
    const reasons = outdatedReasons(fresh(), { ...webhook, image: 'other:2' });
    assert.deepEqual(reasons, [`image ${settings.image}, now other:2`]);
  });

  it('when annotations, or a newer webhook, give another configuration', () => {
    const pod = fresh();
    const config = JSON.parse(configOf(pod).value!);
    configOf(pod).value = JSON.stringify({ ...config, adminPort: 9999 });
    assert.deepEqual(outdatedReasons(pod, webhook), ['another configuration']);
  });

  it('not when someone wrote the same configuration in another order', () => {
    const pod = fresh();
    const entries = Object.entries(JSON.parse(configOf(pod).value!)).toReversed();
    configOf(pod).value = JSON.stringify(Object.fromEntries(entries), undefined, 2);
    assert.deepEqual(outdatedReasons(pod, webhook), []);
  });

  it('when it is started otherwise, or reads other volumes', () => {
    const pod = fresh();
    sidecarOf(pod)!.command!.splice(-1, 1, '/app/sidecar.mjs');
    pod.spec!.volumes!.find((each) => each.name === 'kubectl-mcp-keys')!.secret!.secretName = 'old';
    assert.deepEqual(outdatedReasons(pod, webhook), ['another command', 'other volumes']);
  });

  it('not when its memory was resized in place', () => {
    const pod = fresh();
    sidecarOf(pod)!.resources = { limits: { memory: '512Mi' } };
    assert.deepEqual(outdatedReasons(pod, webhook), []);
  });

  it('when the webhook would refuse it now', () => {
    const pod = fresh();
    pod.metadata!.annotations!['kubectl-mcp.dev/mode'] = 'sometimes';
    assert.match(outdatedReasons(pod, webhook)[0]!, /^the webhook would refuse it now: .*mode: "sometimes"/);
  });

  it('not without a proxy, nor when the pod has opted out', () => {
    assert.deepEqual(outdatedReasons(readPod('auth-none.yaml'), webhook), []);
    const out = fresh();
    out.metadata!.annotations!['kubectl-mcp.dev/inject'] = 'false';
    assert.deepEqual(outdatedReasons(out, { ...webhook, image: 'other:2' }), []);
  });

  it('by the webhook of its namespace', () => {
    const canary = { ...webhook, image: 'new:2', revision: 'canary' };
    const pods = ['demo', 'early', 'typo'].map(inNamespace);
    const revisionOf = { early: 'canary', typo: 'cannary' };
    const found = outdatedPods(pods, { webhooks: [canary, webhook], revisionOf });
    assert.deepEqual(
      found.map(({ pod }) => pod.metadata!.namespace),
      ['early'],
    );
    assert.deepEqual(outdatedPods(pods, { webhooks: [], revisionOf }), []);
    const ending = pods.map((each) => ({
      ...each,
      metadata: { ...each.metadata, deletionTimestamp: new Date() },
    }));
    assert.deepEqual(outdatedPods(ending, { webhooks: [canary, webhook], revisionOf }), []);
  });
});
