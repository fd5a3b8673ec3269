import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { V1Secret } from '@kubernetes/client-node';
import { ApiError } from '../../webhook/api.ts';
import type { Api } from '../../webhook/api.ts';
import { loadCertificates } from '../../webhook/stored-certificates.ts';

type Stored = V1Secret & { metadata: { resourceVersion: string } };

/** The Secret as an API server keeps it: a write with an old resourceVersion is refused. */
function apiOf(secret: V1Secret | undefined) {
  let stored = secret && ({ ...secret, metadata: { resourceVersion: '1' } } as Stored);
  const api: Api = {
    get: async <T>() => {
      if (!stored) throw new ApiError(404, 'not found');
      return structuredClone(stored) as T;
    },
    put: async <T>(_: string, object: T) => {
      const next = JSON.parse(JSON.stringify(object)) as Stored;
      if (next.metadata.resourceVersion !== stored?.metadata.resourceVersion)
        throw new ApiError(409, 'conflict');
      stored = {
        ...next,
        metadata: { ...next.metadata, resourceVersion: `${stored.metadata.resourceVersion}1` },
      };
      return stored as T;
    },
    apply: async (_, object) => {
      stored ??= { ...object, metadata: { ...(object as V1Secret).metadata, resourceVersion: '1' } };
    },
  };
  return { api, stored: () => stored };
}
const logged: object[] = [];
const parts = {
  now: () => new Date(),
  log: (_: string, message: string, fields = {}) => void logged.push({ message, ...fields }),
};
const forbidden = () => Promise.reject(new ApiError(403, 'forbidden'));

describe('certificates in the Secret', () => {
  test('replicas that start at once agree on one CA, with a Secret or without', async () => {
    for (const secret of [{}, undefined]) {
      const { api } = apiOf(secret);
      const all = await Promise.all([1, 2, 3].map(() => loadCertificates(api, parts)));
      assert.equal(new Set(all.map((each) => each['tls.crt'])).size, 1);
      assert.deepEqual(await loadCertificates(api, parts), all[0]);
    }
  });

  test('other keys of the Secret stay, and previous CAs go when their time is over', async () => {
    const { api, stored } = apiOf({ data: { note: 'aGVsbG8=' } });
    await loadCertificates(api, parts);
    const before = stored()?.data;
    assert.equal(before?.['note'], 'aGVsbG8=');
    assert.ok(before?.['tls.key']);
    const old = Buffer.from('2020-01-01T00:00:00Z').toString('base64');
    const data = { ...before, 'ca-previous.crt': before['ca.crt']!, 'ca-previous.until': old };
    const over = apiOf({ data });
    await loadCertificates(over.api, parts);
    assert.deepEqual(over.stored()?.data, before);
  });

  test('a Secret that was deleted is made without data first, as the manifest has it', async () => {
    const { api, stored } = apiOf(undefined);
    logged.length = 0;
    const applied: object[] = [];
    await loadCertificates(
      { ...api, apply: (path, object) => (applied.push(object), api.apply(path, object)) },
      parts,
    );
    assert.deepEqual(applied, [
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: {
          name: 'kubectl-mcp-webhook',
          namespace: 'kubectl-mcp-system',
          labels: { 'app.kubernetes.io/name': 'kubectl-mcp' },
        },
        type: 'Opaque',
      },
    ]);
    assert.ok(stored()?.data?.['tls.key']);
    assert.deepEqual(logged, [
      { message: 'Secret created', detail: 'it was gone' },
      { message: 'Secret written', ca: 'there is none', leaf: 'its CA is replaced', previous: 'none' },
    ]);
  });

  test('what is no conflict is told', async () => {
    const { api } = apiOf({});
    await assert.rejects(loadCertificates({ ...api, put: forbidden }, parts), /forbidden/);
    await assert.rejects(loadCertificates({ ...apiOf(undefined).api, apply: forbidden }, parts), /forbidden/);
  });
});
