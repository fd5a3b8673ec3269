import assert from 'node:assert/strict';
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { describe, test } from 'node:test';
import { certificatesIn, isSignedBy } from '../../webhook/bundle.ts';
import { bundleOf, currentCertificates, faultsOf } from '../../webhook/certificates.ts';
import type { CertificateData } from '../../webhook/certificates.ts';

const HOST = 'kubectl-mcp-webhook.kubectl-mcp-system.svc';
const START = new Date('2026-01-01T00:00:00Z');
const DAY_MS = 86_400_000;
const after = (days: number) => new Date(START.getTime() + days * DAY_MS);
const issued = (now = START) => currentCertificates({}, HOST, now);
/** As they are at their best at this time. */
const youngAt = async (data: CertificateData, days: number) => currentCertificates(data, HOST, after(days));
const signed = (data: CertificateData) =>
  isSignedBy(new X509Certificate(data['tls.crt']), new X509Certificate(data['ca.crt']));

describe('what is issued', () => {
  test('is a P-256 certificate for the host, signed by a CA of its own', async () => {
    const data = await issued();
    const ca = new X509Certificate(data['ca.crt']);
    const leaf = new X509Certificate(data['tls.crt']);
    assert.ok(ca.ca && !leaf.ca);
    assert.ok(signed(data));
    assert.equal(leaf.checkHost(HOST), HOST);
    assert.equal(leaf.checkHost('kubernetes.default.svc'), undefined);
    assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1'], 'serverAuth alone');
    assert.equal(leaf.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
    assert.ok(leaf.checkPrivateKey(createPrivateKey(data['tls.key'])));
    assert.ok(leaf.validFromDate < START, 'clocks of nodes differ');
    assert.deepEqual([leaf.validToDate, ca.validToDate], [after(30), after(365)]);
  });

  test('has a CA of another name each time: a verifier that goes by names does not take the wrong one', async () => {
    const [one, other] = [await issued(), await issued()];
    assert.notEqual(new X509Certificate(one['ca.crt']).subject, new X509Certificate(other['ca.crt']).subject);
  });
});

describe('what is stored', () => {
  test('is kept as long as it is young, however often it is asked', async () => {
    const data = await issued();
    assert.equal(await currentCertificates(data, HOST, after(9)), data);
    assert.equal(await currentCertificates(data, HOST, after(9), data['ca.crt']), data);
    assert.equal(bundleOf(data), data['ca.crt']);
  });

  test('gets a new certificate of the same CA when a third of its life has passed, or it is for another host', async () => {
    const data = await issued();
    for (const [host, now, why] of [
      [HOST, after(10.1), 'a third of its life has passed'],
      [HOST, after(100), 'it has expired'],
      [HOST, after(-1), undefined],
      ['other.ns.svc', START, 'it is not for other.ns.svc'],
    ] as const) {
      if (why) assert.deepEqual(faultsOf(data, host, now), { leaf: why });
      const next = await currentCertificates(data, host, now);
      // A node whose clock is behind by a day takes the CA for one of the future.
      assert.equal(bundleOf(next), why ? data['ca.crt'] : next['ca.crt'] + data['ca.crt']);
      assert.ok(signed(next));
      const leaf = new X509Certificate(next['tls.crt']);
      assert.equal(leaf.checkHost(host), host);
      assert.ok(leaf.validFromDate < now && now < leaf.validToDate);
    }
  });

  test('gets a new CA when a third of its life has passed; the old one is trusted as long as its certificates are valid', async () => {
    const data = await youngAt(await issued(), 120);
    const now = after(122);
    assert.deepEqual(faultsOf(data, HOST, now), {
      ca: 'a third of its life has passed',
      leaf: 'its CA is replaced',
    });
    const next = await currentCertificates(data, HOST, now);
    assert.equal(next['ca-previous.crt'], data['ca.crt']);
    assert.equal(next['ca-previous.until'], after(152).toISOString());
    assert.equal(bundleOf(next), next['ca.crt'] + data['ca.crt']);
    assert.ok(signed(next));
    assert.equal(await currentCertificates(next, HOST, now), next);
    assert.equal((await youngAt(next, 151))['ca-previous.crt'], data['ca.crt']);
    const later = await youngAt(next, 152);
    assert.deepEqual([later['ca-previous.crt'], later['ca-previous.until']], [undefined, undefined]);
  });

  test('keeps trusting the CA of what is served, whatever became of the Secret', async () => {
    const served = await issued();
    const next = await currentCertificates({}, HOST, after(1), served['ca.crt']);
    assert.equal(bundleOf(next), next['ca.crt'] + served['ca.crt']);
    assert.equal(await currentCertificates(next, HOST, after(2), served['ca.crt']), next, 'the date stays');
    const again = await currentCertificates({ ...next, 'ca.key': '' }, HOST, after(3), next['ca.crt']);
    assert.equal(bundleOf(again), again['ca.crt'] + next['ca.crt'] + served['ca.crt']);
    assert.equal(again['ca-previous.until'], after(33).toISOString());

    // Overdue, but served still: then it is not over.
    const overdue = await currentCertificates(next, HOST, after(40), served['ca.crt']);
    assert.equal(overdue['ca-previous.crt'], served['ca.crt']);
    assert.equal(overdue['ca-previous.until'], after(70).toISOString());
  });

  test('trusts no previous CA that was taken out by hand, has expired, or is none', async () => {
    const [old, leafOfOther] = [await issued(), (await issued())['tls.crt']];
    const next = await currentCertificates({}, HOST, after(1), old['ca.crt']);
    const { 'ca-previous.crt': _, ...removed } = next;
    assert.equal(bundleOf(await currentCertificates(removed, HOST, after(1))), next['ca.crt']);
    for (const previous of ['junk', leafOfOther]) {
      const data = await currentCertificates({ ...next, 'ca-previous.crt': previous }, HOST, after(1));
      assert.equal(bundleOf(data), next['ca.crt']);
    }
    const dateless = await currentCertificates({ ...next, 'ca-previous.until': 'soon' }, HOST, after(2));
    assert.equal(dateless['ca-previous.until'], after(32).toISOString());
    assert.equal(bundleOf(await currentCertificates(old, HOST, after(400))).includes(old['ca.crt']), false);
  });

  test('keeps the latest eight of the previous CAs, and always the one that is served', async () => {
    const served = await issued();
    let data = await currentCertificates({}, HOST, START, served['ca.crt']);
    for (let count = 0; count < 12; count++) {
      data = await currentCertificates({ ...data, 'ca.key': 'lost' }, HOST, START, served['ca.crt']);
    }
    const previous = certificatesIn(data['ca-previous.crt']).map(String);
    assert.equal(previous.length, 8);
    assert.ok(previous.includes(served['ca.crt']));
    assert.equal(await currentCertificates(data, HOST, START, served['ca.crt']), data);
  });

  test('is the same for replicas that serve certificates of different CAs', async () => {
    const [one, other] = [await issued(), await issued()];
    const first = await currentCertificates({}, HOST, START, one['ca.crt']);
    const both = await currentCertificates(first, HOST, START, other['ca.crt']);
    assert.equal(certificatesIn(both['ca-previous.crt']).length, 2);
    for (const each of [one, other, both])
      assert.equal(await currentCertificates(both, HOST, START, each['ca.crt']), both);
  });

  test('is replaced where it is damaged, as far as it is, and it says why', async () => {
    const [data, other] = [await issued(), await issued()];
    const damagedPem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    const cases: [Partial<CertificateData>, { ca?: string; leaf?: string }][] = [
      [{ 'ca.crt': '' }, { ca: 'there is none' }],
      [{ 'ca.crt': damagedPem }, { ca: 'it cannot be read' }],
      [{ 'ca.crt': data['tls.crt'] }, { ca: 'it is no CA' }],
      [{ 'ca.key': 'junk' }, { ca: 'its key does not fit' }],
      [{ 'ca.key': other['ca.key'] }, { ca: 'its key does not fit' }],
      [{ 'tls.crt': '' }, { leaf: 'there is none' }],
      [{ 'tls.crt': damagedPem }, { leaf: 'it cannot be read' }],
      [{ 'tls.key': other['tls.key'] }, { leaf: 'its key does not fit' }],
      [{ 'tls.crt': other['tls.crt'], 'tls.key': other['tls.key'] }, { leaf: 'another CA signed it' }],
    ];
    for (const [damage, fault] of cases) {
      const stored = { ...data, ...damage };
      assert.deepEqual(
        faultsOf(stored, HOST, START),
        fault.ca ? { ...fault, leaf: 'its CA is replaced' } : fault,
      );
      const next = await currentCertificates(stored, HOST, START);
      assert.equal(next['ca.crt'] === data['ca.crt'], fault.ca === undefined, JSON.stringify(fault));
      assert.ok(signed(next));
      assert.deepEqual(faultsOf(next, HOST, START), {});
      const isKept = fault.ca === 'its key does not fit';
      assert.deepEqual(
        certificatesIn(next['ca-previous.crt']).map(String),
        isKept ? [data['ca.crt']] : [],
        'a CA that lost its key may have signed what another replica serves',
      );
    }
  });
});
