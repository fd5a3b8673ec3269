import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { metadataUrls, readMetadata } from '../../../../sidecar/auth/oidc/metadata.ts';
import { wrongType } from '../../../../sidecar/auth/oidc/token-type.ts';

const ISSUER = 'https://id.example.com';
const read = (document: unknown, issuer = ISSUER) =>
  readMetadata(Buffer.from(typeof document === 'string' ? document : JSON.stringify(document)), issuer, 'it');

test('where the document of an issuer is', () => {
  for (const [issuer, ...urls] of [
    [
      'https://id.example.com',
      'https://id.example.com/.well-known/openid-configuration',
      'https://id.example.com/.well-known/oauth-authorization-server',
    ],
    [
      'https://id.example.com/',
      'https://id.example.com/.well-known/openid-configuration',
      'https://id.example.com/.well-known/oauth-authorization-server',
    ],
    [
      'https://id.example.com:8443/realms/main',
      'https://id.example.com:8443/realms/main/.well-known/openid-configuration',
      'https://id.example.com:8443/.well-known/oauth-authorization-server/realms/main',
    ],
  ])
    assert.deepEqual(metadataUrls(issuer!), urls);
});

describe('the document of an issuer', () => {
  test('names keys and introspection', () => {
    const document = {
      issuer: ISSUER,
      jwks_uri: 'https://keys.example.com/jwks',
      introspection_endpoint: 'https://id.example.com/introspect?a=b',
    };
    assert.deepEqual(read(document), {
      jwksUrl: document.jwks_uri,
      introspectionUrl: document.introspection_endpoint,
    });
    assert.deepEqual(read({ issuer: ISSUER }), {});
  });

  for (const [document, says] of [
    [
      { issuer: `${ISSUER}/` },
      /it is of the issuer "https:\/\/id\.example\.com\/", not of "https:\/\/id\.example\.com": they must be equal/,
    ],
    [{ issuer: 'HTTPS://id.example.com' }, /equal to the letter/],
    [{ issuer: [ISSUER] }, /it names no issuer/],
    [{}, /it names no issuer/],
    ['<html>', /it is not JSON/],
    ['[]', /it is not a JSON object/],
    ['null', /it is not a JSON object/],
    [
      { issuer: ISSUER, jwks_uri: 'http://id.example.com/jwks' },
      /it names as jwks_uri what is no URL of https/,
    ],
    [{ issuer: ISSUER, jwks_uri: 'file:///etc/passwd' }, /jwks_uri/],
    [{ issuer: ISSUER, jwks_uri: 7 }, /jwks_uri/],
    [{ issuer: ISSUER, introspection_endpoint: 'https://u:p@id.example.com' }, /introspection_endpoint/],
  ] as const)
    test(`${JSON.stringify(document)} is not taken`, () => {
      assert.throws(() => read(document), { message: says });
    });

  test('of a provider on this machine may have plain URLs', () => {
    const issuer = 'http://localhost:8080';
    assert.deepEqual(read({ issuer, jwks_uri: 'http://localhost:8080/jwks' }, issuer), {
      jwksUrl: 'http://localhost:8080/jwks',
    });
  });
});

describe('what a token is for', () => {
  const ok = [
    [{ typ: 'at+jwt' }, {}],
    [{ typ: 'application/at+jwt' }, {}],
    [{ typ: 'AT+JWT' }, { at_hash: 'x' }],
    [{ typ: 'JWT' }, { typ: 'Bearer' }],
    [{}, {}],
    [{}, { nonce: 'x' }],
    [{}, { token_use: 'access' }],
  ] as const;
  const wrong = [
    [{ typ: 'logout+jwt' }, {}],
    [{ typ: 'dpop+jwt' }, {}],
    [{ typ: 'secevent+jwt' }, {}],
    [{ typ: '' }, {}],
    [{ typ: 7 }, {}],
    [{ typ: 'JWT' }, { at_hash: 'x' }],
    [{}, { c_hash: 'x' }],
    [{ typ: 'JWT' }, { typ: 'ID' }],
    [{ typ: 'JWT' }, { typ: 'Refresh' }],
    [{ typ: 'JWT' }, { typ: 'Offline' }],
    [{}, { token_use: 'id' }],
    [{ typ: 'at+jwt' }, { cnf: { jkt: 'x' } }],
  ] as const;
  for (const [header, claims] of ok)
    test(`${JSON.stringify([header, claims])} is for calling`, () => {
      assert.equal(wrongType(header, claims), undefined);
    });
  for (const [header, claims] of wrong)
    test(`${JSON.stringify([header, claims])} is not`, () => {
      assert.notEqual(wrongType(header, claims), undefined);
    });
});
