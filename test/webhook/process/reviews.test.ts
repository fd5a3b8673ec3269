/** Reviews by a running webhook over TLS: what an API server sends, what it must not; and much at once. */
import assert from 'node:assert/strict';
import { Agent } from 'node:https';
import { connect } from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WEBHOOK_HOST } from '../../../webhook/stored-certificates.ts';
import { plainPod, reviewOf } from '../reviews.ts';
import { startApiServer } from './api-server.ts';
import type { ApiServer } from './api-server.ts';
import { ready, review, send, startWebhook } from './webhook.ts';
import type { Webhook } from './webhook.ts';

/** The limit of its container in manifests/install.yaml. */
const MEMORY_LIMIT_MEBIBYTES = 256;

const largePod = (bytes: number) => {
  const pod = plainPod({ inject: 'true' });
  const annotations = { ...pod.metadata?.annotations, 'example.test/large': 'x'.repeat(bytes) };
  return { ...pod, metadata: { ...pod.metadata, annotations } };
};

describe('a webhook with its API server', { timeout: 60_000 }, () => {
  let api: ApiServer;
  let webhook: Webhook;
  before(async () => {
    api = await startApiServer();
    webhook = await startWebhook(api);
    await ready(webhook);
  });
  after(() => {
    webhook.kill();
    api.stop();
  });
  const reviewPod = (pod: object, request = {}) =>
    review(webhook.port, api.bundle(), { body: JSON.stringify(reviewOf(pod, request)) });
  const post = (body: string, headers: Record<string, string>) =>
    send(webhook.port, '/inject', { ca: api.bundle(), body, headers });

  test('a dry run gets the same patch', async () => {
    const [dry, wet] = await Promise.all(
      [true, false].map((dryRun) => reviewPod(plainPod({ inject: 'true' }), { dryRun })),
    );
    assert.equal(dry?.text, wet?.text);
  });

  test('a pod of 2 MB is injected', async () => {
    await reviewPod(largePod(2_000_000));
  });

  test('another type of content is refused before it is read', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/apply-patch+yaml']) {
      const { status, text } = await post('{}', { 'content-type': type });
      assert.deepEqual([status, text], [415, `cannot read the review: ${type} is not application/json`]);
    }
  });

  test('clients that send slowly, large ones too, hold up nobody and are cut off', async () => {
    const slow = await Promise.all(
      [1_000, 8_000_000, 8_000_000, 8_000_000].map(async (length) => {
        const socket = connect({
          port: webhook.port,
          host: '127.0.0.1',
          ca: api.bundle(),
          servername: WEBHOOK_HOST,
        });
        socket.write(
          `POST /inject HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n{`,
        );
        const [answer = ''] = await Promise.race([
          socket.setEncoding('utf8').take(1).toArray() as Promise<string[]>,
          sleep(300, ['']),
        ]);
        return { socket, answer };
      }),
    );
    assert.deepEqual(
      slow.map(({ answer }) => answer),
      ['', '', '', ''],
    );
    await reviewPod(plainPod({ inject: 'true' }));
    for (const { socket } of slow) socket.destroy();
    await reviewPod(largePod(2_000_000));
  });

  test('500 reviews at once, some of them large, are answered, and twice takes no more memory than once', async () => {
    const [first, second] = [await burst(webhook, api), await burst(webhook, api)];
    assert.ok(second < first + 40, `${first} MiB, then ${second} MiB`);
    assert.ok(second < MEMORY_LIMIT_MEBIBYTES, `${second} MiB`);
  });
});

/** What is resident after it. */
async function burst(webhook: Webhook, api: ApiServer): Promise<number> {
  const agent = new Agent({ keepAlive: true });
  const pods = Array.from({ length: 500 }, (_, index) =>
    index % 25 === 0 ? largePod(2_000_000) : plainPod({ inject: 'true' }),
  );
  await Promise.all(
    pods.map((pod) => review(webhook.port, api.bundle(), { agent, body: JSON.stringify(reviewOf(pod)) })),
  );
  agent.destroy();
  return webhook.mebibytes();
}
