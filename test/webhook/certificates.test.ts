import assert from 'node:assert/strict';
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { test } from 'node:test';
import { currentCertificates } from '../../webhook/certificates.ts';

const HOST = 'kubectl-mcp-webhook.kubectl-mcp-system.svc';
const START = new Date('2026-01-01T00:00:00Z');
const DAY_MS = 86_400_000;
const after = (days: number) => new Date(START.getTime() + days * DAY_MS);

test('issues a P-256 certificate for the host, signed by a CA of its own', async () => {
  const data = await currentCertificates({}, HOST, START);
  const ca = new X509Certificate(data['ca.crt']);
  const leaf = new X509Certificate(data['tls.crt']);
  assert.ok(ca.ca);
  assert.ok(!leaf.ca);
  assert.ok(leaf.checkIssued(ca) && leaf.verify(ca.publicKey));
  assert.equal(leaf.checkHost(HOST), HOST);
  assert.equal(leaf.checkHost('kubernetes.default.svc'), undefined);
  assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1'], 'serverAuth alone');
  assert.equal(leaf.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  assert.ok(leaf.checkPrivateKey(createPrivateKey(data['tls.key'])));
  assert.ok(leaf.validFromDate < START, 'clocks of nodes differ');
});

test('stored certificates are kept as long as they are young, however often it is asked', async () => {
  const data = await currentCertificates({}, HOST, START);
  assert.equal(await currentCertificates(data, HOST, after(200)), data);
});

test('an old leaf, or one for another host, is replaced under the same CA', async () => {
  const data = await currentCertificates({}, HOST, START);
  for (const [host, now] of [
    [HOST, after(300)],
    [HOST, after(1000)],
    ['other.ns.svc', START],
  ] as const) {
    const next = await currentCertificates(data, host, now);
    assert.equal(next['ca.crt'], data['ca.crt']);
    const leaf = new X509Certificate(next['tls.crt']);
    assert.ok(leaf.verify(new X509Certificate(data['ca.crt']).publicKey));
    assert.equal(leaf.checkHost(host), host);
    assert.ok(leaf.validToDate > now && leaf.validFromDate < now);
  }
});

test('an old CA, a missing part and damaged data are replaced as a whole', async () => {
  const data = await currentCertificates({}, HOST, START);
  const other = await currentCertificates({}, HOST, START);
  const { 'tls.key': _, ...partial } = data;
  for (const [stored, now] of [
    [data, after(3000)],
    [partial, START],
    [{ ...data, 'ca.crt': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' }, START],
    [{ ...data, 'ca.key': 'x' }, START],
  ] as const) {
    const next = await currentCertificates(stored, HOST, now);
    assert.notEqual(next['ca.crt'], data['ca.crt']);
    assert.ok(new X509Certificate(next['tls.crt']).verify(new X509Certificate(next['ca.crt']).publicKey));
  }
  const mixed = await currentCertificates({ ...data, 'tls.crt': other['tls.crt'] }, HOST, START);
  assert.ok(new X509Certificate(mixed['tls.crt']).verify(new X509Certificate(data['ca.crt']).publicKey));
});
