import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Deployment } from '@kubernetes/client-node';
import { installObjects, parseManifest } from '../../../plugin/install/manifest.ts';
import { run } from '../run.ts';

test('the namespace is first and webhook configurations are last', () => {
  const kinds = installObjects('proxy:1').map(({ kind }) => kind);
  assert.equal(kinds[0], 'Namespace');
  assert.deepEqual(kinds.slice(-3), [
    'Deployment',
    'ValidatingWebhookConfiguration',
    'MutatingWebhookConfiguration',
  ]);
});

test('--image is the image of the webhook and of what it injects', () => {
  const deployment = installObjects('example.com/proxy@sha256:0').find(({ kind }) => kind === 'Deployment');
  const [container] = (deployment as V1Deployment).spec!.template.spec!.containers;
  assert.equal(container!.image, 'example.com/proxy@sha256:0');
  assert.equal(
    container!.env!.find(({ name }) => name === 'KUBECTL_MCP_IMAGE')?.value,
    'example.com/proxy@sha256:0',
  );
});

test('install --dry-run=client -o yaml needs no cluster and prints what would be applied', async () => {
  const { code, stdout, stderr } = await run(['install', '--dry-run=client', '-o', 'yaml']);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  assert.deepEqual(
    parseManifest(stdout).map(({ kind }) => kind),
    installObjects('x').map(({ kind }) => kind),
  );
});

test('a document that is no object is refused, a List is its items', () => {
  assert.throws(() => parseManifest('kind: Deployment'), /not a Kubernetes object/);
  const item = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' } };
  assert.deepEqual(parseManifest(JSON.stringify({ kind: 'List', items: [item] })), [item]);
});
