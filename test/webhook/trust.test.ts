import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { V1MutatingWebhookConfiguration } from '@kubernetes/client-node';
import type { Api } from '../../webhook/api.ts';
import { describeBundle, readTrust, writeTrust } from '../../webhook/trust.ts';

const entry = (caBundle?: string) => ({
  name: 'inject.kubectl-mcp.dev',
  admissionReviewVersions: ['v1'],
  sideEffects: 'NoneOnDryRun',
  clientConfig: { ...(caBundle && { caBundle }) },
});
function apiOf(webhooks: V1MutatingWebhookConfiguration['webhooks'] = []) {
  const applied: object[] = [];
  const api: Api = {
    get: async <T>() => ({ webhooks }) as T,
    put: async () => assert.fail('the configuration is applied'),
    apply: async (_, object) => void applied.push(object),
  };
  return { api, applied };
}

describe('trust in the webhook configuration', () => {
  test('is read from our entry', async () => {
    assert.equal(await readTrust(apiOf([{ ...entry('eA=='), name: 'other' }, entry('dGhl')]).api), 'the');
    assert.equal(await readTrust(apiOf([entry()]).api), '');
    assert.equal(await readTrust(apiOf().api), '');
  });

  test('is written, and nothing else with it', async () => {
    const { api, applied } = apiOf();
    await writeTrust(api, 'the');
    assert.deepEqual(applied, [
      {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'MutatingWebhookConfiguration',
        metadata: { name: 'kubectl-mcp' },
        webhooks: [{ name: 'inject.kubectl-mcp.dev', clientConfig: { caBundle: 'dGhl' } }],
      },
    ]);
  });

  test('is told by what is in it', () => {
    assert.equal(describeBundle(''), 'nothing');
    assert.equal(describeBundle('junk'), 'what is no certificate');
  });
});
