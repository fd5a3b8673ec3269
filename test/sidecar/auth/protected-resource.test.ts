import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AuthConfig } from '../../../sidecar/auth/auth-config.ts';
import { createProtectedResource } from '../../../sidecar/auth/protected-resource.ts';
import type { RequestHead } from '../../../sidecar/exchange.ts';
import { refuse } from '../../../sidecar/reasons.ts';

const ISSUER = 'https://login.example.com/realms/a';
const oidc = (more: object = {}) => ({ mode: 'oidc', issuer: ISSUER, ...more }) as unknown as AuthConfig;
const resource = (
  server: { auth?: AuthConfig; publicUrl?: string; tls?: object } = {},
  { anyHost = false } = {},
) =>
  createProtectedResource({ name: 'weather', auth: oidc(), ...server } as never, {
    paths: ['/mcp', '/custom', '/sse'],
    anyHost,
  });
const at = (path: string, host: string | undefined = 'weather.default') =>
  ({ path, headers: { host } }) as unknown as RequestHead;
const WELL_KNOWN = '/.well-known/oauth-protected-resource';
const challengeOf = (...args: Parameters<NonNullable<ReturnType<typeof resource>>['challenged']>) =>
  resource({ publicUrl: 'https://tools.example.com/weather/mcp' })!.challenged(...args).headers?.[
    'www-authenticate'
  ];

const identifier = (path: string, host: string | undefined, tls?: object) =>
  (
    JSON.parse(resource(tls ? { tls } : {})!.document(WELL_KNOWN + path, host) ?? '{}') as {
      resource?: string;
    }
  ).resource;

describe('the metadata of a protected resource', () => {
  test('is there only where callers have tokens of an OpenID provider', () => {
    const kubernetes = { mode: 'kubernetes' };
    assert.equal(resource({ auth: { mode: 'none' } }), undefined);
    assert.equal(resource({ auth: kubernetes as AuthConfig }), undefined);
    assert.ok(resource({ auth: { mode: 'several', of: [kubernetes, oidc()] } as unknown as AuthConfig }));
  });

  test('names the public URL, at each path that an Ingress may ask for', () => {
    const of = resource({ publicUrl: 'https://tools.example.com/weather/mcp' })!;
    for (const path of ['', '/mcp', '/custom', '/sse', '/weather/mcp'])
      assert.deepEqual(JSON.parse(of.document(WELL_KNOWN + path, 'evil.test')!), {
        resource: 'https://tools.example.com/weather/mcp',
        authorization_servers: [ISSUER],
        bearer_methods_supported: ['header'],
        resource_name: 'weather',
      });
    for (const path of ['/', '/other', '/mcp/', '/mcp/x', 'x'])
      assert.equal(of.document(WELL_KNOWN + path, 'weather.default'), undefined, path);
  });

  test('is for the URL that the client has, where there is no public one', () => {
    assert.equal(identifier('/mcp', 'localhost:7410'), 'http://localhost:7410/mcp');
    assert.equal(identifier('/custom', 'Weather.default', {}), 'https://weather.default/custom');
    assert.equal(identifier('', 'weather.default'), 'http://weather.default');
    assert.equal(identifier('/mcp', undefined), undefined);
  });

  test('is not there where any Host is let through, and none is known to be ours', () => {
    const any = resource({}, { anyHost: true })!;
    assert.equal(any.document(`${WELL_KNOWN}/mcp`, 'evil.test'), undefined);
    assert.equal(
      any.challenged(refuse('credentials-missing'), at('/mcp', 'evil.test')).headers?.['www-authenticate'],
      'Bearer realm="mcp"',
    );
    assert.match(
      resource({ publicUrl: 'https://a.example.com' }, { anyHost: true })!.document(WELL_KNOWN, 'evil.test')!,
      /"resource":"https:\/\/a\.example\.com"/,
    );
  });

  test('tells the scopes that every call takes, or those that clients should ask for', () => {
    const told = (more: object) =>
      JSON.parse(resource({ auth: oidc(more) })!.document(`${WELL_KNOWN}/mcp`, 'a')!)
        .scopes_supported as unknown;
    const requiredScopes = ['mcp:tools', 'openid'];
    assert.deepEqual(told({ requiredScopes }), requiredScopes);
    assert.deepEqual(told({ requiredScopes, scopes: ['api://weather/mcp:tools'] }), [
      'api://weather/mcp:tools',
    ]);
  });
});

describe('a challenge', () => {
  const METADATA =
    'resource_metadata="https://tools.example.com/.well-known/oauth-protected-resource/weather/mcp"';

  test('leads those who have no token to the metadata, and names no error', () => {
    assert.equal(challengeOf(refuse('credentials-missing'), at('/mcp')), `Bearer realm="mcp", ${METADATA}`);
  });

  test('says what is wrong with a token, in the characters that the header may hold', () => {
    assert.equal(
      challengeOf(refuse('credentials-invalid', 'it is "für"\\\r\nexpired'), at('/mcp')),
      `Bearer realm="mcp", error="invalid_token", error_description="the credentials are not valid: it is 'f?r'???expired", ${METADATA}`,
    );
  });

  test('asks for all scopes of an operation at once', () => {
    const of = resource({
      auth: oidc({ requiredScopes: ['mcp:tools'] }),
      publicUrl: 'https://a.example.com',
    })!;
    const header = (...args: Parameters<typeof of.challenged>) =>
      of.challenged(...args).headers?.['www-authenticate'];
    assert.equal(
      header(refuse('scope-insufficient', 'a b'), at('/mcp'), ['a', 'mcp:tools', 'b']),
      'Bearer realm="mcp", error="insufficient_scope", error_description="the token lacks a scope: a b", scope="mcp:tools a b", resource_metadata="https://a.example.com/.well-known/oauth-protected-resource"',
    );
    assert.match(header(refuse('credentials-missing'), at('/mcp'))!, /scope="mcp:tools"/);
  });

  test('names the path and the host of the request where there is no public URL', () => {
    const header = resource()!.challenged(refuse('credentials-missing'), at('/custom', 'Weather.default:80'));
    assert.equal(
      header.headers?.['www-authenticate'],
      'Bearer realm="mcp", resource_metadata="http://weather.default/.well-known/oauth-protected-resource/custom"',
    );
  });

  test('stands on no other refusal', () => {
    const forbidden = refuse('principal-forbidden');
    assert.equal(resource()!.challenged(forbidden, at('/mcp')), forbidden);
  });
});
