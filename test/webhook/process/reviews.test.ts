/** Reviews by a running webhook over TLS: what an API server sends, what it must not; much at once, and the end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent } from 'node:https';
import { connect } from 'node:tls';
import { after, before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WEBHOOK_HOST } from '../../../webhook/stored-certificates.ts';
import { plainPod, reviewOf } from '../reviews.ts';
import { startApiServer } from './api-server.ts';
import type { ApiServer } from './api-server.ts';
import { ready, review, send, startWebhook, streamReviews, until } from './webhook.ts';
import type { Webhook } from './webhook.ts';

/** The limit of its container in manifests/install.yaml is 256; its files take something, too. */
const MEMORY_LIMIT_MEBIBYTES = 200;

const largePod = (bytes: number) => {
  const pod = plainPod({ inject: 'true' });
  const annotations = { ...pod.metadata?.annotations, 'example.test/large': 'x'.repeat(bytes) };
  return { ...pod, metadata: { ...pod.metadata, annotations } };
};

// The second waits more than it works.
describe('a running webhook', { concurrency: 2, timeout: 120_000 }, () => {
  describe('asked for reviews', { concurrency: 1 }, () => {
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
      for (const type of [
        'text/plain',
        'application/x-www-form-urlencoded',
        'application/apply-patch+yaml',
      ]) {
        const { status, text } = await post('{}', { 'content-type': type });
        assert.deepEqual([status, text], [415, `cannot read the review: ${type} is not application/json`]);
      }
    });

    test('clients that send slowly, large ones too, hold up no pod of the usual size; when they are gone, no large one', async () => {
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

    test('500 reviews at once, some of them large, and 500 again, fit into the memory of its container', async () => {
      await burst(webhook, api);
      const mebibytes = await burst(webhook, api);
      assert.ok(mebibytes < MEMORY_LIMIT_MEBIBYTES, `${mebibytes} MiB`);
    });
  });

  test('told to stop it is unready at once, ends connections with their next answer, and loses no review', async (t: TestContext) => {
    const api = await startApiServer();
    t.after(api.stop);
    const webhook = await startWebhook(api);
    t.after(() => void webhook.kill());
    await ready(webhook);
    const { port } = webhook;
    const stream = streamReviews(api, [webhook]);
    // One that has begun when it closes.
    const answer = Promise.withResolvers<string>();
    const socket = connect({ port, host: '127.0.0.1', ca: api.bundle(), servername: WEBHOOK_HOST });
    socket.setEncoding('utf8').on('data', answer.resolve).on('error', answer.reject);
    await once(socket, 'secureConnect');
    socket.write('POST /inject HTTP/1.1\r\nhost: x\r\n');

    const seen = Promise.all([
      until('stopping', async () => (await send(port, '/readyz')).text === 'stopping'),
      until('connection: close', async () => {
        const agent = new Agent({ keepAlive: true });
        const { headers } = await review(port, api.bundle(), { agent });
        agent.destroy();
        return headers.connection === 'close';
      }),
    ]);
    webhook.kill('SIGTERM');
    await seen;
    const refused = () =>
      send(port, '/healthz').then(
        () => false,
        () => true,
      );
    await until('it listens no more', refused);
    const body = JSON.stringify(reviewOf(plainPod({ inject: 'true' })));
    socket.write(`content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    assert.match(await answer.promise, /^HTTP\/1\.1 200 OK/);
    assert.deepEqual(await webhook.exited, [0, null]);
    // Nodes lead nobody here any more when it closes; who does come is told so, and loses nothing.
    const failures = await stream.stop(4);
    const others = failures.filter((each) => !each.includes('ECONNREFUSED'));
    // One connection may stand in the kernel's queue when the port closes: nobody has taken it, and nothing was read.
    if (others.length === 1 && others[0]?.includes('ECONNRESET')) others.pop();
    assert.deepEqual(others, []);
    const [from, to] = ['stopping', 'stopped'].map((message) => {
      const line = webhook.lines.find((each) => each.message === message);
      return Date.parse(String(line?.['time']));
    }) as [number, number];
    assert.ok(to - from >= 5_000, `${to - from} ms`);
  });
});

/** What is resident after it. */
async function burst(webhook: Webhook, api: ApiServer): Promise<number> {
  const agent = new Agent({ keepAlive: true });
  const pods = Array.from({ length: 500 }, (_, index) =>
    index % 50 === 0 ? largePod(2_000_000) : plainPod({ inject: 'true' }),
  );
  await Promise.all(
    pods.map((pod) => review(webhook.port, api.bundle(), { agent, body: JSON.stringify(reviewOf(pod)) })),
  );
  agent.destroy();
  return webhook.mebibytes();
}
