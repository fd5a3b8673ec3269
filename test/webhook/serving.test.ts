import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { currentCertificates } from '../../webhook/certificates.ts';
import type { CertificateData } from '../../webhook/certificates.ts';
import { serveNext } from '../../webhook/serving.ts';
import type { Pair } from '../../webhook/serving.ts';

const HOST = 'kubectl-mcp-webhook.kubectl-mcp-system.svc';
const NOW = new Date();
const pairOf = (data: CertificateData): Pair => ({
  cert: data['tls.crt'],
  key: data['tls.key'],
  ca: data['ca.crt'],
});

describe('a new certificate', () => {
  let [old, oldCa, renewed, next, nextCa]: [Pair, string, Pair, Pair, string] = [] as never;
  before(async () => {
    const data = await currentCertificates({}, HOST, NOW);
    const other = await currentCertificates({}, HOST, NOW);
    [old, oldCa, next, nextCa] = [pairOf(data), data['ca.crt'], pairOf(other), other['ca.crt']];
    renewed = pairOf(await currentCertificates({ ...data, 'tls.crt': '' }, HOST, NOW));
  });

  test('of another CA is served when the bundle has held that at two looks', () => {
    const untrusted = serveNext({ pair: old }, next, oldCa, NOW);
    assert.deepEqual(untrusted, { pair: old });
    const first = serveNext(untrusted, next, nextCa + oldCa, NOW);
    assert.deepEqual(first, { pair: old, next: next.cert });
    assert.deepEqual(serveNext(first, next, nextCa + oldCa, NOW), { pair: next });
    assert.deepEqual(serveNext(first, next, oldCa, NOW), { pair: old }, 'taken back: it begins anew');
    assert.deepEqual(serveNext(first, renewed, nextCa + oldCa, NOW), { pair: renewed });
  });

  test('of the same CA is served at once', () => {
    assert.deepEqual(serveNext({ pair: old }, renewed, oldCa, NOW), { pair: renewed });
  });

  test('is served at once where what is served is of no use', () => {
    assert.deepEqual(serveNext({}, next, nextCa, NOW), { pair: next });
    assert.deepEqual(serveNext({ pair: old }, next, nextCa, NOW), { pair: next });
    const expired = new Date(NOW.getTime() + 31 * 86_400_000);
    assert.equal(serveNext({ pair: old }, next, oldCa + nextCa, expired).pair, next);
  });

  test('is not trusted while the bundle does not hold its CA, or it has expired', () => {
    const faultWith = (bundle: string, now = NOW) => serveNext({ pair: old }, old, bundle, now).fault;
    assert.equal(faultWith(oldCa), undefined);
    assert.equal(faultWith(old.cert), undefined, 'one that is trusted itself');
    assert.equal(faultWith(''), 'the webhook configuration holds no CA');
    const foreign = 'the webhook configuration does not hold the CA of the serving certificate';
    assert.equal(faultWith(nextCa), foreign);
    assert.equal(faultWith('junk'), foreign);
    assert.equal(
      faultWith(oldCa, new Date(NOW.getTime() + 31 * 86_400_000)),
      'the serving certificate has expired',
    );
  });
});
