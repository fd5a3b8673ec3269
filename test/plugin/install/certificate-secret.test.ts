import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { V1Deployment } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { certificateSecretOf } from '../../../plugin/install/certificate-secret.ts';
import { installObjects } from '../../../plugin/install/manifest.ts';

const component = new URL('../../../manifests/components/cert-manager/webhook.yaml', import.meta.url);

test("the certificate is in the webhook's own Secret", () => {
  const deployment = installObjects('x').find(({ kind }) => kind === 'Deployment') as V1Deployment;
  assert.equal(certificateSecretOf(deployment), 'kubectl-mcp-webhook');
  assert.equal(certificateSecretOf(null), 'kubectl-mcp-webhook');
});

test("with cert-manager it is in cert-manager's", () => {
  const deployment = parse(readFileSync(component, 'utf8')) as V1Deployment;
  assert.equal(certificateSecretOf(deployment), 'kubectl-mcp-webhook-tls');
});
