/** Each golden pod through the real server, as the API server sends it: what comes back is what `inject()` decides. */
import assert from 'node:assert/strict';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import jsonPatch from 'fast-json-patch';
import type { Operation } from 'fast-json-patch';
import { currentCertificates } from '../../webhook/certificates.ts';
import { createMetrics } from '../../webhook/metrics.ts';
import { codesIn } from '../../webhook/reasons.ts';
import { createWebhookServer } from '../../webhook/server.ts';
import { WEBHOOK_HOST } from '../../webhook/stored-certificates.ts';
import { injectable, injected, readPod, refused, settings } from './golden-pods.ts';
import { reviewOf } from './reviews.ts';
import type { Answer } from './reviews.ts';

const metrics = createMetrics();
const count = (reason: string): number =>
  Number(new RegExp(`reasons_total\\{reason="${reason}"\\} (\\d+)`).exec(metrics.text())?.[1] ?? NaN);
const patched = (pod: V1Pod, { patch }: Answer['response']): V1Pod => {
  const operations = JSON.parse(Buffer.from(patch ?? '', 'base64').toString() || '[]') as Operation[];
  return jsonPatch.applyPatch(structuredClone(pod), operations, true).newDocument as V1Pod;
};
/** Its random part comes from the review. */
const withoutRandom = (pod: V1Pod): V1Pod =>
  JSON.parse(JSON.stringify(pod).replaceAll(/\/drain\/[\w-]+/g, '/drain/random')) as V1Pod;

describe('golden pods over TLS', () => {
  let server: ReturnType<typeof createWebhookServer>;
  let ca: string;

  before(async () => {
    const data = await currentCertificates({}, WEBHOOK_HOST, new Date());
    ca = data['ca.crt'];
    const { image, imagePullPolicy } = settings;
    server = createWebhookServer({
      tls: { cert: data['tls.crt'], key: data['tls.key'] },
      settings: { image, imagePullPolicy },
      metrics,
      unready: () => undefined,
      isStopping: () => false,
      record: () => undefined,
      log: () => undefined,
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  after(() => server.close());

  async function review(pod: V1Pod): Promise<Answer['response']> {
    const { port } = server.address() as AddressInfo;
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        path: '/inject',
        method: 'POST',
        ca,
        servername: WEBHOOK_HOST,
        agent: false,
        headers: { 'content-type': 'application/json' },
      },
      async (response) => resolve((await response.setEncoding('utf8').toArray()).join('')),
    );
    sent.on('error', reject).end(JSON.stringify(reviewOf(pod)));
    return (JSON.parse(await promise) as Answer).response;
  }
  for (const file of injectable) {
    test(file, async () => {
      const pod = readPod(file);
      const first = await review(pod);
      assert.equal(first.allowed, true);
      const once = patched(pod, first);
      assert.deepEqual(withoutRandom(once), withoutRandom(injected(pod)));
      assert.equal((await review(once)).patch, undefined, 'a reinvocation changes nothing');
    });
  }

  for (const file of refused) {
    test(file, async () => {
      const { allowed, status } = await review(readPod(file));
      assert.equal(allowed, false);
      assert.ok(codesIn(status?.message ?? '').length > 0, `${status?.message}`);
    });
  }

  test('are counted by their reasons', async () => {
    const counted = count('HostNetwork');
    await review(readPod('refused-host-network.yaml'));
    assert.equal(count('HostNetwork'), counted + 1);
    assert.ok(count('Injected') >= 2 * injectable.length);
  });
});
