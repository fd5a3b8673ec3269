import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig, type ServerConfig } from '../../sidecar/config.ts';
import { configOf } from '../../webhook/configuration.ts';
import { inject } from '../../webhook/inject.ts';
import { PREFIX } from '../../webhook/names.ts';
import { parseAnnotations } from '../../webhook/parse-annotations.ts';
import { settings } from './golden-pods.ts';

const ISSUER = 'https://id.example.com/realms/main';

const annotationsOf = (texts: Record<string, string>) =>
  Object.fromEntries(
    Object.entries({ inject: 'true', auth: 'oidc', ...texts }).map(([key, text]) => [PREFIX + key, text]),
  );

/** As the sidecar reads it. */
function authOf(texts: Record<string, string>): ServerConfig['auth'] {
  const parsed = parseAnnotations(annotationsOf(texts));
  if ('refusals' in parsed) throw new Error(JSON.stringify(parsed.refusals));
  const document = configOf(
    parsed.servers.map((request) => ({ request, target: { container: 'app', port: 3000 } })),
    {
      spec: { containers: [{ name: 'app' }] },
      workload: 'tools',
      namespace: 'ns',
      drainPath: '/drain/abcdefghijklmnop',
    },
  );
  return parseConfig(JSON.stringify(document)).servers[0]!.auth;
}

function refusals(texts: Record<string, string>): string[] {
  const parsed = parseAnnotations(annotationsOf(texts));
  return 'refusals' in parsed
    ? parsed.refusals.map(({ reason, annotation }) => `${reason} ${annotation.slice(PREFIX.length)}`)
    : [];
}

describe('annotations of an OpenID provider', () => {
  test('the issuer is enough: its tokens are for the audience of the workload', () => {
    const auth = authOf({ 'oidc-issuer': ISSUER });
    assert.deepEqual(
      auth.mode === 'oidc' && [auth.issuer, auth.audiences, auth.nameClaim, auth.groupsClaim],
      [ISSUER, ['https://tools.ns.mcp.kubectl-mcp.dev'], 'sub', 'groups'],
    );
  });

  test('with a public URL they are for that, with or without the slash that some clients write', () => {
    const auth = authOf({ 'oidc-issuer': ISSUER, 'public-url': 'https://tools.example.com/mcp' });
    assert.deepEqual(auth.mode === 'oidc' && auth.audiences, [
      'https://tools.example.com/mcp',
      'https://tools.example.com/mcp/',
    ]);
  });

  test('all of them come to the configuration', () => {
    assert.deepEqual(
      authOf({
        'oidc-issuer': ISSUER,
        'oidc-audience': 'a, b',
        'oidc-name-claim': 'preferred_username',
        'oidc-groups-claim': 'realm_access.roles',
        'oidc-claims': 'tenant,org.unit',
        'oidc-algorithms': 'ES256',
        'oidc-required-scopes': 'mcp:tools',
        'oidc-allow-groups': 'staff, /admins',
        'oidc-introspection-secret': 'client',
        'oidc-jwks-url': 'https://id.example.com/keys?v=1',
      }),
      {
        mode: 'oidc',
        issuer: ISSUER,
        audiences: ['a', 'b'],
        nameClaim: 'preferred_username',
        groupsClaim: 'realm_access.roles',
        claims: ['tenant', 'org.unit'],
        algorithms: ['ES256'],
        requiredScopes: ['mcp:tools'],
        allowGroups: ['staff', '/admins'],
        introspection: { source: 'secret/client', directory: '/var/run/kubectl-mcp/introspection' },
        jwksUrl: 'https://id.example.com/keys?v=1',
      },
    );
  });

  test('beside others, and without effect where auth does not name the provider', () => {
    const auth = authOf({ auth: 'kubernetes,oidc', 'oidc-issuer': ISSUER });
    assert.deepEqual(auth.mode === 'several' && auth.of.map(({ mode }) => mode), ['kubernetes', 'oidc']);
    assert.deepEqual(refusals({ auth: 'kubernetes', 'oidc-issuer': ISSUER }), ['NoEffect oidc-issuer']);
    assert.deepEqual(refusals({}), ['IssuerMissing auth']);
  });

  test('a provider on the loopback of a pod proves nothing: the server is there too', () => {
    const issuer = 'http://localhost:8080/realms/main';
    const pod = {
      metadata: {
        name: 'tools-0',
        namespace: 'ns',
        annotations: annotationsOf({ 'oidc-issuer': issuer, 'oidc-jwks-url': 'http://[::1]:8080/keys' }),
      },
      spec: { containers: [{ name: 'app', ports: [{ containerPort: 3000 }] }] },
    };
    const injected = inject(pod, settings);
    assert.deepEqual(
      'refusals' in injected && injected.refusals.map(({ reason, annotation }) => [reason, annotation]),
      [
        ['ProviderUnproven', `${PREFIX}oidc-issuer`],
        ['ProviderUnproven', `${PREFIX}oidc-jwks-url`],
      ],
    );
    // On a machine of one's own it is a provider that is tried out.
    assert.equal(authOf({ 'oidc-issuer': issuer }).mode, 'oidc');
  });

  const refused: Record<string, readonly string[]> = {
    'oidc-issuer': [
      '',
      'id.example.com',
      'http://id.example.com',
      'http://localhost.example.com',
      'https://u:p@id.example.com',
      'https://id.example.com?a=b',
      'https://id.example.com#a',
      'https://',
      'https://id.example.com/a b',
    ],
    'oidc-audience': ['', 'a,,b', 'a b'],
    'oidc-name-claim': ['', 'a b'],
    'oidc-algorithms': ['none', 'HS256', 'RS256,HS512', 'rs256', ''],
    'oidc-required-scopes': ['', 'a b', 'a"b'],
    'oidc-introspection-secret': ['', 'A'],
    'oidc-jwks-url': ['http://id.example.com/keys', 'keys'],
  };
  for (const [key, values] of Object.entries(refused))
    for (const value of values)
      test(`${key} may not be ${JSON.stringify(value)}`, () => {
        assert.deepEqual(refusals({ 'oidc-issuer': ISSUER, [key]: value }), [`ValueInvalid ${key}`]);
      });
});
