import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { ApiError } from '../../webhook/api.ts';
import type { Api } from '../../webhook/api.ts';
import { createKeeper } from '../../webhook/certificate-keeper.ts';
import { createMetrics } from '../../webhook/metrics.ts';
import { installNames } from '../../webhook/names.ts';

/** Objects by path; an apply makes them, as the API server does. */
function recordingApi() {
  const paths = new Set<string>();
  const stored = new Map<string, object>();
  const api: Api = {
    get: async <T>(path: string) => {
      paths.add(path);
      const found = stored.get(path);
      if (found) return structuredClone(found) as T;
      if (path.includes('configurations'))
        return { webhooks: [{ name: 'inject.kubectl-mcp.dev', clientConfig: {} }] } as T;
      throw new ApiError(404, 'not found');
    },
    put: async <T>(path: string, object: T) => {
      stored.set(path, JSON.parse(JSON.stringify(object)));
      return object;
    },
    apply: async (path, object) => void stored.set(path, object),
  };
  return { api, paths, stored };
}

for (const revision of [undefined, 'canary'])
  test(`${revision ?? 'the default'} looks after what is its own, and is called by its own name`, async () => {
    const { api, paths, stored } = recordingApi();
    const names = installNames(revision);
    const served: string[] = [];
    const keeper = createKeeper({
      api,
      now: () => new Date(),
      log: () => undefined,
      metrics: createMetrics(),
      names,
      serve: ({ cert }) => void served.push(cert),
    });
    await keeper.look();
    assert.equal(keeper.fault(), undefined);
    assert.deepEqual([...paths].map((each) => each.split('/').slice(-2).join('/')).toSorted(), [
      `mutatingwebhookconfigurations/${names.configuration}`,
      `secrets/${names.webhook}`,
      `validatingwebhookconfigurations/${names.configuration}`,
    ]);
    assert.ok([...stored.keys()].every((each) => paths.has(each)));
    for (const each of stored.values()) {
      const { metadata } = each as { metadata: { name: string } };
      assert.ok([names.webhook, names.configuration].includes(metadata.name), metadata.name);
    }
    assert.ok(new X509Certificate(served.at(-1)!).checkHost(names.host));
  });
