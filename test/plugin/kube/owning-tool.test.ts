import type { V1ObjectMeta } from '@kubernetes/client-node';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { owningTool } from '../../../plugin/kube/owning-tool.ts';

const helm = { 'meta.helm.sh/release-name': 'web' };

for (const [metadata, expected] of [
  [{}, undefined],
  [{ labels: { 'app.kubernetes.io/instance': 'web' } }, undefined],
  [{ annotations: helm }, 'the Helm release web'],
  [
    { annotations: { 'argocd.argoproj.io/tracking-id': 'tools:apps/Deployment:default/web' } },
    'the Argo CD application tools',
  ],
  [{ labels: { 'argocd.argoproj.io/instance': 'tools' } }, 'the Argo CD application tools'],
  [
    {
      labels: { 'app.kubernetes.io/instance': 'tools' },
      managedFields: [{ manager: 'argocd-controller', operation: 'Apply' }],
    },
    'the Argo CD application tools',
  ],
  [{ managedFields: [{ manager: 'argocd-controller' }] }, 'Argo CD'],
  [{ managedFields: [{ manager: 'kubectl' }] }, undefined],
  [{ labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps' } }, 'the Flux Kustomization apps'],
  [{ annotations: helm, labels: { 'helm.toolkit.fluxcd.io/name': 'web' } }, 'the Flux HelmRelease web'],
] as [V1ObjectMeta, string | undefined][])
  test(`${JSON.stringify(metadata)} is ${expected ?? "nobody's"}`, () => {
    assert.equal(owningTool({ metadata }), expected);
  });
