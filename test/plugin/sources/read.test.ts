import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { certificateIn, configMapFacts } from '../../../plugin/sources/read.ts';
import { createAuthority } from '../../certificates.ts';

const authority = await createAuthority();
const one = await authority.issue(['one']);
const other = await authority.issue(['other']);

const encoded = (data: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );

describe('a Secret for TLS', () => {
  test('gives its certificate and nothing else', () => {
    assert.deepEqual(certificateIn(encoded({ ...one })), { pem: one['tls.crt'] });
  });

  const faults: [what: string, data: Record<string, string>, fault: RegExp][] = [
    ['without a certificate', { 'tls.key': one['tls.key'] }, /no key tls\.crt/],
    ['without a key', { 'tls.crt': one['tls.crt'], 'tls.key': '' }, /no key tls\.key/],
    ['with a text instead', { ...one, 'tls.crt': 'hello' }, /tls\.crt is not a certificate/],
    ['with a certificate as key', { ...one, 'tls.key': one['tls.crt'] }, /tls\.key is not a private key/],
    ['with the key of another', { ...one, 'tls.key': other['tls.key'] }, /not the key of the first/],
  ];
  for (const [what, data, fault] of faults) {
    test(`${what} cannot be served`, () => {
      const found = certificateIn(encoded(data));
      assert.match('fault' in found ? found.fault : '', fault);
      assert.doesNotMatch(JSON.stringify(found), /PRIVATE/);
    });
  }
});

const read = async (data: Record<string, string>) => (await configMapFacts(data)).policyFaults;

test('a ConfigMap is read as the proxy reads it', async () => {
  assert.deepEqual(await read({ 'policy.yaml': 'version: 1\ntools:\n  deny: [get-env]\n' }), []);
  assert.equal(await read({ 'policy.yml': 'version: 1' }), undefined);
  assert.match((await read({ 'policy.yaml': 'version: 1\ntool: {}\n' }))!.join(), /tool.*unknown key/);
});
