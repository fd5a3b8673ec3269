/** Certificates and trust of running webhooks: issued, agreed on, replaced under load, repaired. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { certificatesIn } from '../../../webhook/bundle.ts';
import { issueCa, issueLeaf } from '../../../webhook/issue.ts';
import { WEBHOOK_HOST } from '../../../webhook/stored-certificates.ts';
import { noFault, startApiServer } from './api-server.ts';
import type { ApiServer } from './api-server.ts';
import { isReady, ready, review, send, startWebhook, streamReviews, until } from './webhook.ts';
import type { Webhook } from './webhook.ts';

const DAY_MS = 86_400_000;
const serialOf = (pem: string) => certificatesIn(pem)[0]?.serialNumber;

async function startApi(t: TestContext): Promise<ApiServer> {
  const api = await startApiServer();
  t.after(api.stop);
  return api;
}
async function start(t: TestContext, api: ApiServer, options?: Parameters<typeof startWebhook>[1]) {
  const webhook = await startWebhook(api, options);
  t.after(() => void webhook.kill());
  return webhook;
}
const served = async ({ port }: Webhook) => (await send(port, '/healthz')).serial;
/** All serve what the Secret holds, and are believed. */
const settled = (api: ApiServer, ...webhooks: Webhook[]) =>
  until('what the Secret holds is served', async () => {
    const all = await Promise.all(webhooks.map(served));
    return all.every((each) => each === serialOf(api.secretText('tls.crt')));
  }).then(() => ready(...webhooks));

// They wait more than they work.
describe('certificates of running webhooks', { concurrency: 3, timeout: 240_000 }, () => {
  test('two that start at once agree on one CA and one certificate', async (t: TestContext) => {
    const api = await startApi(t);
    const webhooks = await Promise.all([start(t, api), start(t, api)]);
    await ready(...webhooks);
    assert.deepEqual(
      await Promise.all(webhooks.map(served)),
      [1, 2].map(() => serialOf(api.secretText('tls.crt'))),
    );
    assert.equal(api.bundle(), api.secretText('ca.crt'));
    await Promise.all(webhooks.map(({ port }) => review(port, api.bundle())));
    const wrote = webhooks.map(
      ({ lines }) => lines.filter((each) => each.message === 'Secret written').length,
    );
    assert.deepEqual(wrote.toSorted(), [0, 1]);
  });

  test('a deleted Secret, a lost bundle and a foreign one are mended while reviews go on; nothing is lost', async (t: TestContext) => {
    const api = await startApi(t);
    const webhooks = await Promise.all([start(t, api), start(t, api)]);
    await ready(...webhooks);
    const first = api.secretText('tls.crt');
    const stream = streamReviews(api, webhooks);

    api.deleteSecret();
    await until('a new Secret', () => api.secretText('tls.crt') !== '');
    await settled(api, ...webhooks);
    assert.notEqual(api.secretText('tls.crt'), first);
    assert.equal(api.bundle(), api.secretText('ca.crt') + api.secretText('ca-previous.crt'));
    assert.equal(
      certificatesIn(api.bundle()).length,
      2,
      'the old CA stays for those who still serve its certificate',
    );

    api.editSecret({
      'ca.key': 'junk',
      'tls.crt': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    });
    await until('a third CA', () => certificatesIn(api.bundle()).length === 3);
    await settled(api, ...webhooks);
    assert.deepEqual(await stream.stop(50), []);
    const [why] = webhooks.flatMap(({ lines }) =>
      lines.filter((each) => each['ca'] === 'its key does not fit'),
    );
    assert.equal(why?.message, 'Secret written');
    assert.equal(why?.['leaf'], 'its CA is replaced');
  });

  test('a caBundle that was edited by hand is written again, and the line says what was found', async (t: TestContext) => {
    const api = await startApi(t);
    const webhook = await start(t, api);
    await ready(webhook);
    const right = api.bundle();
    const foreign = await issueCa(new Date());
    for (const wrong of ['', foreign['ca.crt'], 'junk', right + foreign['ca.crt']]) {
      api.editBundle(wrong);
      await until('the right bundle', () => api.bundle() === right);
    }
    await ready(webhook);
    const lines = (message: string) =>
      webhook.lines.filter(
        (each) => each.message === message && each['configuration'] !== 'ValidatingWebhookConfiguration',
      );
    const [ours, theirs] = [serialOf(right), serialOf(foreign['ca.crt'])];
    assert.deepEqual(
      lines('caBundle written').map((each) => each['found']),
      ['nothing', 'nothing', theirs, 'what is no certificate', `${ours}, ${theirs}`],
    );
    assert.match(
      (await send(webhook.port, '/metrics')).text,
      /^kubectl_mcp_webhook_ca_bundle_writes_total 6$/m,
    );

    // One that may not be written makes it unready, with the reason.
    api.fail((method, path) => (method === 'PATCH' && path.includes('configurations') ? 403 : undefined));
    api.editBundle('');
    const { text } = await until('unready', async () => {
      const answer = await send(webhook.port, '/readyz');
      return answer.status === 503 && answer;
    });
    assert.match(text, /^the webhook configuration holds no CA: PATCH .* 403 made to fail with 403$/);
    assert.match((await send(webhook.port, '/metrics')).text, /^kubectl_mcp_webhook_trusted 0$/m);
    api.fail(noFault);
    await ready(webhook);
    assert.equal(api.bundle(), right);
    assert.equal(lines('cannot look after certificate and webhook configuration').length, 1);
  });

  test('an API server that is away at the start is waited for, alive and not ready', async (t: TestContext) => {
    const api = await startApi(t);
    api.fail(() => 500);
    const webhook = await start(t, api);
    assert.equal((await send(webhook.port, '/healthz')).status, 200);
    assert.match((await send(webhook.port, '/readyz')).text, /^no certificate yet/);
    api.fail(noFault);
    await ready(webhook);
    await review(webhook.port, api.bundle());
  });

  test('with the clock moved: certificate, then CA, each when a third of its life has passed; under load, and nothing is lost', async (t: TestContext) => {
    const api = await startApi(t);
    const clockMs = -122 * DAY_MS;
    const webhooks = await Promise.all([start(t, api, { clockMs }), start(t, api, { clockMs })]);
    await ready(...webhooks);
    const old = { ca: api.bundle(), leaf: api.secretText('tls.crt') };
    const moveTo = async (days: number) => {
      const before = api.secretText('tls.crt');
      for (const each of webhooks) each.setClock(days * DAY_MS);
      await until('a new certificate', () => api.secretText('tls.crt') !== before);
      await settled(api, ...webhooks);
    };
    // From here on it is valid for a client that goes by the real time.
    await moveTo(-12);
    const stream = streamReviews(api, webhooks);
    await moveTo(-1);
    assert.equal(api.bundle(), old.ca, 'the same CA signed the next certificate');
    await moveTo(0);
    const next = api.secretText('ca.crt');
    assert.notEqual(next, old.ca);
    assert.equal(
      api.bundle(),
      next + old.ca,
      'the old CA is trusted for those who still serve its certificate',
    );
    assert.deepEqual(await stream.stop(50), []);
    const { text } = await send(webhooks[0]!.port, '/metrics');
    const expires = (name: string) => Number(new RegExp(`certificate="${name}"} (\\d+)`).exec(text)?.[1]);
    assert.ok(expires('serving') * 1000 > Date.now() + 29 * DAY_MS);
    assert.ok(expires('ca') * 1000 > Date.now() + 364 * DAY_MS);

    await moveTo(31);
    await until('the old CA is gone', () => api.bundle() === next);
    assert.equal(api.secretText('ca-previous.crt'), '');
  });

  test('with the clock moved: a CA that has expired meanwhile is replaced at once', async (t: TestContext) => {
    const api = await startApi(t);
    const webhook = await start(t, api, { clockMs: -400 * DAY_MS });
    await ready(webhook);
    const expired = api.bundle();
    webhook.setClock(0);
    await until('a new CA', () => api.bundle() !== expired);
    await settled(api, webhook);
    assert.equal(api.bundle(), api.secretText('ca.crt'), 'an expired CA is not trusted on');
    await review(webhook.port, api.bundle());
  });

  test('those from a directory are served when the bundle holds their CA, replaced without a restart, and nothing is written', async (t: TestContext) => {
    const api = await startApi(t);
    const directory = mkdtempSync(join(tmpdir(), 'certificates-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const issuers = [await issueCa(new Date()), await issueCa(new Date())] as const;
    const [first, second] = issuers.map((each) => each['ca.crt']) as [string, string];
    const write = async (issuer: (typeof issuers)[number]) => {
      const leaf = await issueLeaf(issuer, WEBHOOK_HOST, new Date());
      for (const [name, text] of Object.entries(leaf)) writeFileSync(join(directory, name), text);
      return serialOf(leaf['tls.crt']);
    };
    await write(issuers[0]);
    const webhook = await start(t, api, { env: { KUBECTL_MCP_CERT_DIR: directory } });
    await until('the reason', async () => /holds no CA/.test((await send(webhook.port, '/readyz')).text));
    api.editBundle(first);
    await ready(webhook);
    const stream = streamReviews(api, [webhook]);
    const renewed = await write(issuers[0]);
    await until('the renewed one', async () => (await served(webhook)) === renewed);

    // The provider writes its files first, its CA later: what the API server believes is served meanwhile.
    const next = await write(issuers[1]);
    assert.equal(await served(webhook), renewed);
    api.editBundle(first + second);
    await until('the new CA', async () => (await served(webhook)) === next);
    assert.deepEqual(await stream.stop(20), []);
    api.editBundle(second);
    assert.ok(await isReady(webhook.port));
    assert.deepEqual(
      api.writes.filter((each) => !each.endsWith(' Event')),
      [],
    );
    assert.deepEqual(api.secret()?.data, undefined);
  });
});
