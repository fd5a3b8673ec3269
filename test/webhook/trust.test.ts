import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { V1MutatingWebhookConfiguration, V1Secret } from '@kubernetes/client-node';
import { ApiError } from '../../webhook/api.ts';
import type { Api } from '../../webhook/api.ts';
import { ensureTrust, loadCertificates } from '../../webhook/trust.ts';

/** The two objects as an API server keeps them: a write with an old resourceVersion is refused. */
function apiOf(secret: V1Secret, webhooks: V1MutatingWebhookConfiguration['webhooks'] = []) {
  const applied: object[] = [];
  let stored = { ...secret, metadata: { ...secret.metadata, resourceVersion: '1' } };
  const api: Api = {
    get: async <T>(path: string) => structuredClone(path.includes('/secrets/') ? stored : { webhooks }) as T,
    put: async <T>(_: string, object: T) => {
      const next = object as typeof stored;
      if (next.metadata.resourceVersion !== stored.metadata.resourceVersion)
        throw new ApiError(409, 'conflict');
      stored = {
        ...next,
        metadata: { ...next.metadata, resourceVersion: `${stored.metadata.resourceVersion}1` },
      };
      return stored as T;
    },
    apply: async (_, object) => void applied.push(object),
  };
  return { api, applied };
}
const now = () => new Date();
const forbidden = () => Promise.reject(new ApiError(403, 'forbidden'));
const entry = (caBundle?: string) => ({
  name: 'inject.kubectl-mcp.dev',
  admissionReviewVersions: ['v1'],
  sideEffects: 'NoneOnDryRun',
  clientConfig: { ...(caBundle && { caBundle }) },
});

describe('certificates in the Secret', () => {
  test('replicas that start at once agree on one CA', async () => {
    const { api } = apiOf({});
    const all = await Promise.all([1, 2, 3].map(() => loadCertificates(api, now)));
    assert.equal(new Set(all.map((each) => each['tls.crt'])).size, 1);
    assert.deepEqual(await loadCertificates(api, now), all[0]);
  });

  test('other keys of the Secret stay', async () => {
    const { api } = apiOf({ data: { note: 'aGVsbG8=' } });
    await loadCertificates(api, now);
    const { data } = await api.get<V1Secret>('/secrets/');
    assert.equal(data?.['note'], 'aGVsbG8=');
    assert.ok(data?.['tls.key']);
  });

  test('what is no conflict is told', async () => {
    const { api } = apiOf({});
    await assert.rejects(loadCertificates({ ...api, put: forbidden }, now), /forbidden/);
  });
});

describe('trust in the webhook configuration', () => {
  test('is written where it is missing or another, and nothing else with it', async () => {
    for (const old of [undefined, 'b3RoZXI=']) {
      const { api, applied } = apiOf({}, [entry(old)]);
      const certificates = await loadCertificates(api, now);
      assert.equal(await ensureTrust(api, certificates), 'written');
      const caBundle = Buffer.from(certificates['ca.crt']).toString('base64');
      assert.deepEqual(applied, [
        {
          apiVersion: 'admissionregistration.k8s.io/v1',
          kind: 'MutatingWebhookConfiguration',
          metadata: { name: 'kubectl-mcp' },
          webhooks: [{ name: 'inject.kubectl-mcp.dev', clientConfig: { caBundle } }],
        },
      ]);
    }
  });

  test('is left alone where it is there', async () => {
    const certificates = await loadCertificates(apiOf({}).api, now);
    const caBundle = Buffer.from(certificates['ca.crt']).toString('base64');
    const { api, applied } = apiOf({}, [entry(caBundle)]);
    assert.equal(await ensureTrust(api, certificates), 'held');
    assert.deepEqual(applied, []);
  });
});
