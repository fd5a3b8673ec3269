/** The early word of a running webhook: over TLS, with an API server to ask, and without. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { KubernetesObject } from '@kubernetes/client-node';
import { plainPod, workloadReview } from '../reviews.ts';
import type { Answer } from '../reviews.ts';
import { noFault, startApiServer } from './api-server.ts';
import type { ApiServer } from './api-server.ts';
import { ready, send, startWebhook, until } from './webhook.ts';
import type { Webhook } from './webhook.ts';

const EARLY = 'validatingwebhookconfigurations';
const deployment = (annotations: Record<string, string>): KubernetesObject => {
  const { metadata, spec } = plainPod(annotations);
  const template = { metadata: { annotations: metadata?.annotations }, spec };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'every' },
    spec: { template },
  } as KubernetesObject;
};
const forbidden = (_: string, path: string) => (path.includes(EARLY) ? 403 : undefined);

async function start(t: TestContext, prepare: (api: ApiServer) => void = () => undefined) {
  const api = await startApiServer();
  t.after(api.stop);
  prepare(api);
  const webhook = await startWebhook(api);
  t.after(() => void webhook.kill());
  await ready(webhook);
  return { api, webhook };
}
async function word({ port }: Webhook, api: ApiServer, object: KubernetesObject) {
  const body = JSON.stringify(workloadReview(object));
  const { status, text } = await send(port, '/validate', { ca: api.earlyBundles()[0], body });
  assert.equal(status, 200, text);
  return (JSON.parse(text) as Answer).response;
}

describe('the early word of a running webhook', { concurrency: 2, timeout: 120_000 }, () => {
  test('is trusted by its own configuration, refuses with codes, and counts', async (t: TestContext) => {
    const { api, webhook } = await start(t);
    assert.deepEqual(api.earlyBundles(), [api.bundle(), api.bundle()]);
    const refused = await word(webhook, api, deployment({ inject: 'true', prot: '1' }));
    assert.equal(refused.allowed, false);
    assert.match(refused.status?.message ?? '', /^deployment\.apps\/every: .*\[KeyUnknown\]$/);
    // Nobody here answers for limits and quotas: nothing is foreseen, and nothing else is lost.
    assert.equal((await word(webhook, api, deployment({ inject: 'true' }))).allowed, true);
    assert.equal(webhook.lines.filter(({ message }) => message === 'nothing was foreseen').length, 1);

    const bad = await send(webhook.port, '/validate', { ca: api.bundle(), body: '{}' });
    assert.equal(bad.status, 400);
    const { text } = await send(webhook.port, '/metrics');
    for (const [outcome, count] of [
      ['allowed', 1],
      ['refused', 1],
      ['failed', 1],
    ] as const) {
      const line = `kubectl_mcp_webhook_validations_total{outcome="${outcome}"} ${count}\n`;
      assert.ok(text.includes(line), line);
    }
    assert.match(text, /reviews_total\{outcome="refused"\} 0$/m, 'no pod was');
  });

  test('its caBundle is mended like that of the gate', async (t: TestContext) => {
    const { api } = await start(t);
    api.setEarlyWord({ 'workloads.kubectl-mcp.dev': 'anVuaw==', 'policies.kubectl-mcp.dev': '' });
    await until('both are mended', () => api.earlyBundles().every((each) => each === api.bundle()));
  });

  test('pods wait neither for a configuration that is not there, nor for one that cannot be written', async (t: TestContext) => {
    const { webhook: without } = await start(t, (api) => api.setEarlyWord(undefined));
    assert.deepEqual(
      without.lines.filter(({ level }) => level === 'error'),
      [],
    );
    const { api, webhook } = await start(t, (each) => each.fail(forbidden));
    const line = await webhook.line('cannot look after certificate and webhook configuration');
    assert.match(String(line['detail']), /validatingwebhookconfigurations\/kubectl-mcp: 403/);
    api.fail(noFault);
    await until('it is written when it can be', () =>
      api.earlyBundles().every((each) => each === api.bundle()),
    );
  });
});
