import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { V1MutatingWebhookConfiguration } from '@kubernetes/client-node';
import type { Api } from '../../webhook/api.ts';
import { EARLY_WORD, GATE, describeBundle, readTrust, writeTrust } from '../../webhook/trust.ts';

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
  test('is read from our entries, of those that are there', async () => {
    const both = apiOf([{ ...entry('eA=='), name: 'other' }, entry('dGhl')]).api;
    assert.deepEqual(await readTrust(both, GATE), { 'inject.kubectl-mcp.dev': 'the' });
    assert.deepEqual(await readTrust(apiOf([entry()]).api, GATE), { 'inject.kubectl-mcp.dev': '' });
    assert.deepEqual(await readTrust(apiOf().api, GATE), {});
    const workloads = { ...entry('dGhl'), name: 'workloads.kubectl-mcp.dev' };
    assert.deepEqual(await readTrust(apiOf([workloads]).api, EARLY_WORD), {
      'workloads.kubectl-mcp.dev': 'the',
    });
  });

  test('is written to each of them, and nothing else with it', async () => {
    const { api, applied } = apiOf();
    await writeTrust(api, GATE, { 'inject.kubectl-mcp.dev': 'the' });
    await writeTrust(api, EARLY_WORD, { a: 'the', b: 'the' });
    const [apiVersion, metadata] = ['admissionregistration.k8s.io/v1', { name: 'kubectl-mcp' }];
    const clientConfig = { caBundle: 'dGhl' };
    assert.deepEqual(applied, [
      {
        apiVersion,
        kind: 'MutatingWebhookConfiguration',
        metadata,
        webhooks: [{ name: 'inject.kubectl-mcp.dev', clientConfig }],
      },
      {
        apiVersion,
        kind: 'ValidatingWebhookConfiguration',
        metadata,
        webhooks: [
          { name: 'a', clientConfig },
          { name: 'b', clientConfig },
        ],
      },
    ]);
  });

  test('is told by what is in it', () => {
    assert.equal(describeBundle(''), 'nothing');
    assert.equal(describeBundle('junk'), 'what is no certificate');
  });
});
