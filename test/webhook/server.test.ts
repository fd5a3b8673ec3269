/** The real server over TLS, with certificates of its own making; no cluster. */
import assert from 'node:assert/strict';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { currentCertificates } from '../../webhook/certificates.ts';
import { createMetrics } from '../../webhook/metrics.ts';
import type { Occurrence } from '../../webhook/occurrences.ts';
import { createWebhookServer } from '../../webhook/server.ts';
import { WEBHOOK_HOST } from '../../webhook/stored-certificates.ts';
import { plainPod, reviewOf } from './reviews.ts';
import type { Answer } from './reviews.ts';

const COUNT_OF_DURATION = /review_duration_seconds_(?:bucket\{le="[^"]*"\}|count) (\d+)$/gm;
const durationsIn = (text: string): number[] =>
  [...text.matchAll(COUNT_OF_DURATION)].map((each) => Number(each[1]));

describe('the webhook over TLS', () => {
  const logged: { level: string; message: string }[] = [];
  const recorded: Occurrence[] = [];
  let ready = false;
  let server: ReturnType<typeof createWebhookServer>;
  let ca: string;

  before(async () => {
    const data = await currentCertificates({}, WEBHOOK_HOST, new Date());
    ca = data['ca.crt'];
    server = createWebhookServer({
      tls: { cert: data['tls.crt'], key: data['tls.key'] },
      settings: { image: 'image:1', imagePullPolicy: 'IfNotPresent' },
      metrics: createMetrics(),
      unready: () => (ready ? undefined : 'no CA'),
      isStopping: () => false,
      record: (occurrence) => void recorded.push(occurrence),
      log: (level, message) => void logged.push({ level, message }),
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  after(() => server.close());

  /** As the API server does it: by the Service's name, trusting our CA alone. */
  function send(method: string, path: string, body?: string | Buffer, type = 'application/json') {
    const { port } = server.address() as AddressInfo;
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
    const options = { host: '127.0.0.1', port, path, method, ca, servername: WEBHOOK_HOST, agent: false };
    const sent = request({ ...options, headers: { 'content-type': type } }, async (response) => {
      resolve({
        status: response.statusCode ?? 0,
        text: (await response.setEncoding('utf8').toArray()).join(''),
      });
    });
    sent.on('error', reject).end(body);
    return promise;
  }
  const review = async (body: object) => {
    const { status, text } = await send('POST', '/inject', JSON.stringify(body));
    assert.equal(status, 200, text);
    return (JSON.parse(text) as Answer).response;
  };

  test('answers under the uid of the request', async () => {
    const response = await review(reviewOf(plainPod({ inject: 'true' }), { uid: 'the-uid' }));
    assert.equal(response.uid, 'the-uid');
    assert.ok(response.patch);
  });

  test('answers a dry run like any other', async () => {
    assert.ok((await review(reviewOf(plainPod({ inject: 'true' }), { dryRun: true }))).patch);
  });

  test('takes a pod as large as etcd would', async () => {
    const pod = plainPod({ inject: 'true' });
    pod.metadata = {
      ...pod.metadata,
      annotations: { ...pod.metadata?.annotations, 'example.test/big': 'ä'.repeat(500_000) },
    };
    const response = await review(reviewOf(pod));
    assert.ok(response.patch && response.patch.length < 20_000, 'the patch holds what changed alone');
  });

  test('answers a hundred reviews at once', async () => {
    const uids = Array.from({ length: 100 }, (_, index) => `uid-${index}`);
    const answers = await Promise.all(
      uids.map((uid) => review(reviewOf(plainPod({ inject: 'true' }), { uid }))),
    );
    assert.deepEqual(
      answers.map(({ uid }) => uid),
      uids,
    );
  });

  for (const [title, body, type, status] of [
    ['garbage', 'garbage', 'application/json', 400],
    ['nothing', '', 'application/json', 400],
    ['half a review', '{"kind":"AdmissionReview"', 'application/json', 400],
    ['another type of content', '{}', 'text/plain', 415],
    ['a review of something else', '{"apiVersion":"v1","kind":"Pod"}', 'application/json', 400],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe]), 'application/json', 400],
    ['9 MB', `"${'x'.repeat(9_000_000)}"`, 'application/json', 413],
  ] as const) {
    test(`answers ${title} with ${status} and says why`, async () => {
      const answer = await send('POST', '/inject', body, type);
      assert.equal(answer.status, status);
      assert.match(answer.text, /review|Review/);
    });
  }

  test('says on other paths what it is', async () => {
    assert.deepEqual(await send('GET', '/inject'), {
      status: 404,
      text: 'not found; reviews go to POST /inject or /validate',
    });
  });

  test('is healthy at once, and ready when the API server trusts it', async () => {
    assert.equal((await send('GET', '/healthz')).status, 200);
    assert.equal((await send('GET', '/readyz')).status, 503);
    ready = true;
    assert.equal((await send('GET', '/readyz')).status, 200);
  });

  test('tells the owner of a pod that is injected or refused, and of no dry run', async () => {
    recorded.length = 0;
    await review(reviewOf(plainPod({ inject: 'true' })));
    await review(reviewOf(plainPod({ inject: 'maybe', port: 'eighty' })));
    for (const inject of ['true', 'maybe']) await review(reviewOf(plainPod({ inject }), { dryRun: true }));
    await review(reviewOf(plainPod({ inject: 'false' })));
    assert.deepEqual(
      recorded.map(({ reason, owner, namespace }) => [reason, owner.kind, owner.name, namespace]),
      [
        ['Injected', 'ReplicaSet', 'every-abc', 'demo'],
        ['ValueInvalid', 'ReplicaSet', 'every-abc', 'demo'],
      ],
    );
  });

  test('counts how long each review took, in a bucket and in all above it', async () => {
    const old = durationsIn((await send('GET', '/metrics')).text);
    await review(reviewOf(plainPod({ inject: 'true' })));
    const difference = durationsIn((await send('GET', '/metrics')).text).map(
      (value, index) => value - old[index]!,
    );
    assert.deepEqual(difference, difference.toSorted());
    assert.equal(difference.at(-2), 1);
  });

  test('counts reviews by outcome and logs each', async () => {
    const count = async (outcome: string) => {
      const { text } = await send('GET', '/metrics');
      return Number(new RegExp(`reviews_total\\{outcome="${outcome}"\\} (\\d+)`).exec(text)?.[1]);
    };
    const counts = await Promise.all([count('refused'), count('failed')]);
    await review(reviewOf(plainPod({ inject: 'maybe' })));
    await send('POST', '/inject', '{}');
    assert.deepEqual(
      await Promise.all([count('refused'), count('failed')]),
      counts.map((each) => each + 1),
    );
    assert.deepEqual(logged.slice(-2), [
      { level: 'info', message: 'refused' },
      { level: 'error', message: 'bad review' },
    ]);
  });
});
