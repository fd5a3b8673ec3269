import 'reflect-metadata';
import assert from 'node:assert/strict';
import { webcrypto, X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import { Extension, X509CertificateGenerator } from '@peculiar/x509';
import { nameIn } from '../../../../sidecar/auth/mtls/certificate-name.ts';

const SUBJECT_ALT_NAME = '2.5.29.17';
const X400_ADDRESS = Buffer.from('a3020500', 'hex');
const value = (tag: number, text: string): Buffer =>
  Buffer.concat([Buffer.from([tag, text.length]), Buffer.from(text)]);
const uri = (text: string): Buffer => value(0x86, text);

async function certificate(...names: Buffer[]): Promise<X509Certificate> {
  const inside = Buffer.concat(names);
  const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ]);
  const made = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=common',
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [
      new Extension(SUBJECT_ALT_NAME, false, Buffer.concat([Buffer.from([0x30, inside.length]), inside])),
    ],
  });
  return new X509Certificate(made.toString('pem'));
}

describe('the name in a certificate', () => {
  test('is the URI behind a name of a kind that nobody uses, and not the common name', async () => {
    const made = await certificate(X400_ADDRESS, uri('spiffe://d/agent'));
    assert.deepEqual(nameIn(made), { name: 'spiffe://d/agent', groups: [] });
  });

  test('is none where not all of its names can be read', async () => {
    const made = await certificate(uri('spiffe://d/agent'));
    for (const subjectAltName of ['A-NAME:x, URI:spiffe://d/agent', 'URI:"x'])
      assert.deepEqual(nameIn(Object.create(made, { subjectAltName: { value: subjectAltName } })), {
        fault: 'its alternative names cannot be read',
      });
  });
});
