import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { certificateIn, configMapFacts, contentIn } from '../../../plugin/sources/read.ts';
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

test('the patterns of tools in a policy are told by where they stand', async () => {
  const text =
    'version: 1\ntools:\n  deny: [get-env]\n  hints: [{ tools: ["a*"], readOnly: true }]\nrules:\n  - { name: few, tools: [scale], deny: "args.n > 5" }\n';
  const { toolPatterns } = await configMapFacts({ 'policy.yaml': text });
  assert.deepEqual(toolPatterns, [
    { where: 'tools.deny', glob: 'get-env' },
    { where: 'tools.hints', glob: 'a*' },
    { where: 'rules.few', glob: 'scale' },
  ]);
});

const read = async (data: Record<string, string>) => (await configMapFacts(data)).contentFaults;

test('a ConfigMap is read as the proxy reads it', async () => {
  assert.deepEqual(await read({ 'policy.yaml': 'version: 1\ntools:\n  deny: [get-env]\n' }), []);
  assert.equal(await read({ 'policy.yml': 'version: 1' }), undefined);
  assert.match((await read({ 'policy.yaml': 'version: 1\ntool: {}\n' }))!.join(), /tool.*unknown key/);
});

const faultsIn = async (key: 'token-secret' | 'upstream-headers-secret', data: Record<string, string>) =>
  (await contentIn(key, encoded(data))).contentFaults.join();

test('tokens and headers are read as the proxy reads them, and never shown', async () => {
  assert.equal(await faultsIn('token-secret', { alice: 'abc-0123456789\n' }), '');
  assert.match(await faultsIn('token-secret', { alice: 'secret word' }), /"alice" has other characters/);
  assert.match(await faultsIn('token-secret', {}), /holds no token/);
  assert.equal(await faultsIn('upstream-headers-secret', { 'X-Api-Key': 'abc' }), '');
  const refused = await faultsIn('upstream-headers-secret', { host: 'secret', 'x-key': 'secret\nword' });
  assert.match(refused, /"host" is a header of the connection.*"x-key" holds more than one line/);
  assert.doesNotMatch(refused, /secret|word/);
});
