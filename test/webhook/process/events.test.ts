/** Events that running webhooks write on owners, beside their answers. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { plainPod, reviewOf } from '../reviews.ts';
import { noFault, startApiServer } from './api-server.ts';
import type { ApiServer } from './api-server.ts';
import { ready, send, startWebhook, until } from './webhook.ts';
import type { Webhook } from './webhook.ts';

async function start(t: TestContext, replicas: number): Promise<[ApiServer, ...Webhook[]]> {
  const api = await startApiServer();
  t.after(api.stop);
  const webhooks = await Promise.all(Array.from({ length: replicas }, () => startWebhook(api)));
  t.after(() => webhooks.forEach((each) => each.kill()));
  await ready(...webhooks);
  return [api, ...webhooks];
}
const post = ({ port }: Webhook, annotations: Record<string, string>, uid = 'u', request = {}) => {
  const pod = plainPod(annotations);
  pod.metadata!.ownerReferences![0]!.uid = uid;
  return send(port, '/inject', { body: JSON.stringify(reviewOf(pod, request)) });
};
const metric = async ({ port }: Webhook, result: string) =>
  Number(
    new RegExp(`events_total{result="${result}"} (\\d+)`).exec((await send(port, '/metrics')).text)?.[1],
  );

// They wait more than they work.
describe('Events of running webhooks', { concurrency: 3, timeout: 120_000 }, () => {
  test('200 refusals of one owner, by two replicas, are one Event that counts them; injections are one', async (t: TestContext) => {
    const [api, ...webhooks] = await start(t, 2);
    for (let index = 0; index < 100; index++)
      await Promise.all(
        webhooks.flatMap((each) => [
          post(each, { inject: 'true', prot: '1' }),
          post(each, { inject: 'true' }, 'v'),
        ]),
      );
    await Promise.all(
      webhooks.map((each) => post(each, { inject: 'true', prot: '1' }, 'w', { dryRun: true })),
    );
    const refused = await until('all of them counted', () => api.events().find(({ count }) => count === 200));
    assert.equal(refused.type, 'Warning');
    assert.equal(refused.reason, 'KeyUnknown');
    assert.match(refused.message, /^kubectl-mcp\.dev\/prot: "1" is not a known annotation.* \[KeyUnknown\]$/);
    assert.deepEqual(refused.involvedObject, {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      name: 'every-abc',
      namespace: 'demo',
      uid: 'u',
    });
    const others = api.events().filter((each) => each !== refused);
    assert.deepEqual(
      others.map(({ type, reason, message, count }) => [type, reason, message, count]),
      [['Normal', 'Injected', 'its pods get the proxy image:1', 1]],
    );
    const writes = api.writes.filter((each) => each.endsWith('Event')).length;
    assert.ok(writes <= 20, `${writes} requests`);
  });

  test('one that has ended is made anew', async (t: TestContext) => {
    const [api, webhook] = await start(t, 1);
    await post(webhook!, { prot: '1' });
    await until('the Event', () => api.events().length === 1);
    api.forgetEvents();
    await post(webhook!, { prot: '1' });
    const [event] = await until('another', () => api.events().length === 1 && api.events());
    assert.equal(event?.count, 1);
  });

  test('an API server that takes none, or hangs, costs no answer; it is logged once, and told later', async (t: TestContext) => {
    const [api, webhook] = await start(t, 1);
    api.fail((_, path) => (path.includes('/events') ? 503 : undefined));
    for (let index = 0; index < 20; index++) {
      const { status } = await post(webhook!, { prot: '1' }, `u${index}`);
      assert.equal(status, 200);
    }
    await until('20 faults', async () => (await metric(webhook!, 'failed')) >= 20);
    const faults = webhook!.lines.filter((each) => each.message === 'cannot write Events');
    assert.equal(faults.length, 1);
    assert.match(String(faults[0]?.['detail']), /^POST .*: 503 made to fail with 503$/);
    api.fail(noFault);
    await until('all Events', () => api.events().length === 20);
    assert.equal(await metric(webhook!, 'written'), 20);

    // Not allowed is not tried again.
    api.fail((_, path) => (path.includes('/events') ? 403 : undefined));
    const before = await metric(webhook!, 'failed');
    await post(webhook!, { prot: '1' }, 'forbidden');
    await until('one fault more', async () => (await metric(webhook!, 'failed')) === before + 1);
    assert.equal(api.events().length, 20);
  });
});
