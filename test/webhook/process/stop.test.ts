/** The end of a running webhook, as a rollout brings it: no review is lost. */
import assert from 'node:assert/strict';
import { Agent } from 'node:https';
import { connect } from 'node:tls';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WEBHOOK_HOST } from '../../../webhook/stored-certificates.ts';
import { plainPod, reviewOf } from '../reviews.ts';
import { startApiServer } from './api-server.ts';
import { ready, review, send, startWebhook, streamReviews, until } from './webhook.ts';

let stop = () => {};
after(() => stop());

test('told to stop it is unready at once, ends connections with their next answer, and loses no review', async () => {
  const api = await startApiServer();
  stop = api.stop;
  const webhook = await startWebhook(api);
  stop = () => [webhook.kill(), api.stop()];
  await ready(webhook);
  const { port } = webhook;
  const stream = streamReviews(api, [webhook]);
  await review(port, api.bundle());
  webhook.kill('SIGTERM');
  await until('stopping', async () => (await send(port, '/readyz')).text === 'stopping');
  const { headers } = await review(port, api.bundle(), { agent: new Agent({ keepAlive: true }) });
  assert.equal(headers.connection, 'close');
  // Nodes learn of it meanwhile.
  await sleep(2_000);
  const { count, failures } = await stream.stop();
  assert.deepEqual([...new Set(failures)], []);
  assert.ok(count > 20, `${count} reviews`);

  // One that has begun when it closes.
  const answer = Promise.withResolvers<string>();
  const socket = connect({ port, host: '127.0.0.1', ca: api.bundle(), servername: WEBHOOK_HOST });
  socket.setEncoding('utf8').on('data', answer.resolve).on('error', answer.reject);
  socket.write('POST /inject HTTP/1.1\r\nhost: x\r\n');
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
  assert.equal(webhook.lines.at(-1)?.message, 'stopped');
});
