import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { callerOf } from '../../../../sidecar/upstream/token/caller.ts';
import type { Exchange } from '../../../../sidecar/exchange.ts';
import { tokenAnswer } from '../../../../sidecar/upstream/token/token-answer.ts';
import { tokenRequest } from '../../../../sidecar/upstream/token/token-request.ts';
import { UpstreamError } from '../../../../sidecar/upstream/upstream-error.ts';

function outcome(status: number, body: unknown, isExchange = true): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  try {
    const { token, lifeMs } = tokenAnswer({ status, body: Buffer.from(text) }, isExchange);
    return `${token} for ${lifeMs}`;
  } catch (error) {
    assert.ok(error instanceof UpstreamError);
    return `${error.fault}: ${error.message}`;
  }
}

const TOKEN = { access_token: 'abc', token_type: 'Bearer' };

describe('the answer of a token endpoint', () => {
  for (const [title, status, body, expected] of [
    ['a token', 200, { ...TOKEN, expires_in: 3600 }, 'abc for 3600000'],
    ['a time as a text', 200, { ...TOKEN, expires_in: '60' }, 'abc for 60000'],
    ['a time that is none', 200, { ...TOKEN, expires_in: 'soon' }, 'abc for 60000'],
    ['no time', 200, TOKEN, 'abc for 60000'],
    ['no life', 200, { ...TOKEN, expires_in: -1 }, 'abc for 60000'],
    ['a year', 200, { ...TOKEN, expires_in: 31_536_000 }, 'abc for 86400000'],
    ['bearer in lower case', 200, { ...TOKEN, token_type: 'bearer', expires_in: 1 }, 'abc for 1000'],
    [
      'a token with a key',
      200,
      { ...TOKEN, token_type: 'DPoP' },
      'token-unusable: it gave a token that is no bearer token',
    ],
    [
      'a token of no type',
      200,
      { access_token: 'abc' },
      'token-unusable: it gave a token that is no bearer token',
    ],
    [
      'a token with a line end',
      200,
      { ...TOKEN, access_token: 'a\r\nX: y' },
      'token-unusable: it answered without an access_token that can be sent',
    ],
    ['a page', 200, '<html>', 'token-unusable: it answered without an access_token that can be sent'],
    ['a refused caller', 400, { error: 'invalid_grant' }, 'token-refused: invalid_grant'],
    [
      'a subject token that is none',
      400,
      { error: 'invalid_request', error_description: 'subject_token is not valid' },
      'token-refused: invalid_request (subject_token is not valid)',
    ],
    ['a wrong secret', 401, { error: 'invalid_client' }, 'token-unusable: invalid_client'],
    ['another audience', 400, { error: 'invalid_target' }, 'token-unusable: invalid_target'],
    [
      'a quoted token',
      400,
      { error: 'invalid_scope', error_description: 'no: eyJhbGciOiJSUzI1NiIsInR5cCI6\n' },
      'token-unusable: invalid_scope (no: … )',
    ],
    ['a redirect', 302, '', 'token-unusable: it answered 302, which is no answer of a token endpoint'],
    [
      'an error that is none',
      400,
      { error: 'a"b' },
      'token-unusable: it answered 400, which is no answer of a token endpoint',
    ],
    ['an outage', 503, { error: 'invalid_grant' }, 'token-unavailable: it answered 503'],
    ['too much asked', 429, '', 'token-unavailable: it answered 429'],
  ] as const)
    test(`${title}: ${expected}`, () => assert.equal(outcome(status, body), expected));

  test('that a client of its own is refused is nobody’s but the proxy’s', () => {
    assert.equal(outcome(400, { error: 'invalid_grant' }, false), 'token-unusable: invalid_grant');
  });
});

describe('what a token endpoint is asked', () => {
  const client = { id: 'a b', secret: 'p:ö' };
  const config = { mode: 'exchange', clientAuth: 'basic' } as const;
  const caller = { owner: 'x', token: 'T', type: 'urn:ietf:params:oauth:token-type:jwt' } as const;

  test('is the exchange of a token, for audiences, a resource and scopes', () => {
    const asked = { ...config, audience: ['one', 'two'], resource: 'https://r', scope: 'a b' };
    const { headers, body } = tokenRequest(asked, client, caller);
    assert.deepEqual(
      [...new URLSearchParams(body)],
      [
        ['grant_type', 'urn:ietf:params:oauth:grant-type:token-exchange'],
        ['subject_token', 'T'],
        ['subject_token_type', 'urn:ietf:params:oauth:token-type:jwt'],
        ['requested_token_type', 'urn:ietf:params:oauth:token-type:access_token'],
        ['audience', 'one'],
        ['audience', 'two'],
        ['resource', 'https://r'],
        ['scope', 'a b'],
      ],
    );
    assert.equal(headers['authorization'], `Basic ${btoa('a+b:p%3A%C3%B6')}`);
  });

  test('has the client’s secret in one place', () => {
    const { headers, body } = tokenRequest({ ...config, clientAuth: 'post' }, client, undefined);
    assert.equal(headers['authorization'], undefined);
    assert.deepEqual(
      [...new URLSearchParams(body)],
      [
        ['grant_type', 'client_credentials'],
        ['client_id', 'a b'],
        ['client_secret', 'p:ö'],
      ],
    );
  });
});

const of = (headers: object, token: object | undefined, kind = 'oidc') =>
  callerOf({
    server: { upstream: { token } },
    head: { headers },
    principal: { digest: 'ann', kind },
  } as unknown as Exchange);

describe('what a caller has brought', () => {
  for (const [title, headers, expected] of [
    ['a token', { authorization: 'Bearer abc.d-e_f~+/=' }, 'abc.d-e_f~+/='],
    ['nothing', {}, undefined],
    ['another scheme', { authorization: 'Basic abc' }, undefined],
    ['what is no token', { authorization: 'Bearer a b' }, undefined],
    ['another’s word', { authorization: 'Bearer abc', 'mcp-user-assertion': 'x' }, undefined],
  ] as const)
    test(`${title} comes to ${expected ?? 'none'}`, () => {
      assert.equal(of(headers, { mode: 'exchange' })?.token, expected);
    });

  test('is nobody’s where the server gets nothing of it', () => {
    const headers = { authorization: 'Bearer abc' };
    assert.equal(of(headers, undefined), undefined);
    assert.equal(of(headers, { mode: 'client-credentials' }), undefined);
  });

  test('of a service account is a JWT that the provider has not issued', () => {
    const { type } = of({ authorization: 'Bearer abc' }, { mode: 'exchange' }, 'kubernetes')!;
    assert.equal(type, 'urn:ietf:params:oauth:token-type:jwt');
  });
});
