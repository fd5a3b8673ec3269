import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig, type ServerConfig } from '../../sidecar/config.ts';
import { configOf } from '../../webhook/configuration.ts';
import { PREFIX } from '../../webhook/names.ts';
import { parseAnnotations } from '../../webhook/parse-annotations.ts';
import { warningsOf } from '../../webhook/warnings.ts';

const OIDC = { auth: 'oidc', 'oidc-issuer': 'https://id.example.com' };
const ELSEWHERE = { upstream: 'https://tools.example.com/mcp' };
const CLIENT = {
  'upstream-token-url': 'https://id.example.com/token',
  'upstream-token-secret': 'client',
};
const EXCHANGE = { ...OIDC, 'upstream-token': 'exchange', ...CLIENT };

const annotationsOf = (texts: Record<string, string>) =>
  Object.fromEntries(Object.entries({ inject: 'true', ...texts }).map(([key, text]) => [PREFIX + key, text]));
const podOf = (env: Record<string, string>) => ({
  containers: [{ name: 'app', env: Object.entries(env).map(([name, value]) => ({ name, value })) }],
});

/** As the sidecar reads it. */
function configured(texts: Record<string, string>, env: Record<string, string> = {}): ServerConfig {
  const parsed = parseAnnotations(annotationsOf(texts));
  if ('refusals' in parsed) throw new Error(JSON.stringify(parsed.refusals));
  const servers = parsed.servers.map((request) => ({ request, target: { container: 'app', port: 3000 } }));
  const document = configOf(servers, {
    spec: podOf(env),
    workload: 'tools',
    namespace: 'ns',
    drainPath: '/drain/abcdefghijklmnop',
  });
  return parseConfig(JSON.stringify(document)).servers[0]!;
}

function refusals(texts: Record<string, string>): string[] {
  const parsed = parseAnnotations(annotationsOf(texts));
  return 'refusals' in parsed
    ? parsed.refusals.map(({ reason, annotation }) => `${reason} ${annotation.slice(PREFIX.length)}`)
    : [];
}

function warned(texts: Record<string, string>): string[] {
  const parsed = parseAnnotations(annotationsOf(texts));
  assert.ok('servers' in parsed);
  const servers = parsed.servers.map((request) => ({ request, target: { container: 'app' } }));
  return warningsOf(podOf({}), servers);
}

describe('annotations of the credential of a server', () => {
  test('come to the configuration, the Secret as the directory where it is mounted', () => {
    const { upstream } = configured({
      ...EXCHANGE,
      'upstream-token-audience': 'a, b',
      'upstream-token-resource': 'https://tools.example.com',
      'upstream-token-scope': 'read write',
      'upstream-token-client-auth': 'post',
    });
    assert.deepEqual(upstream.token, {
      mode: 'exchange',
      url: 'https://id.example.com/token',
      client: { source: 'secret/client', directory: '/var/run/kubectl-mcp/upstream-token' },
      clientAuth: 'post',
      audience: ['a', 'b'],
      resource: 'https://tools.example.com',
      scope: 'read write',
    });
  });

  test('of one of several servers are mounted apart', () => {
    const { upstream } = configured({ ...OIDC, 'a.upstream-token': 'client-credentials', ...CLIENT });
    assert.equal(upstream.token?.client?.directory, '/var/run/kubectl-mcp/upstream-token-a');
  });

  for (const [title, texts, expected] of [
    ['exchange', EXCHANGE, []],
    [
      'client credentials with callers who bring nothing',
      { auth: 'none', 'upstream-token': 'client-credentials', ...CLIENT },
      [],
    ],
    ['no endpoint', { ...OIDC, 'upstream-token': 'exchange' }, ['UpstreamTokenIncomplete upstream-token']],
    [
      'an endpoint without a client',
      {
        ...OIDC,
        'upstream-token': 'client-credentials',
        'upstream-token-url': 'https://id.example.com/token',
      },
      ['UpstreamTokenIncomplete upstream-token'],
    ],
    [
      'an endpoint in clear text',
      { ...EXCHANGE, 'upstream-token-url': 'http://id.example.com/token' },
      ['ValueInvalid upstream-token-url'],
    ],
    [
      'exchange of what nobody brings',
      { auth: 'none', 'upstream-token': 'exchange', ...CLIENT },
      ['UpstreamTokenImpossible upstream-token'],
    ],
    ['the caller’s elsewhere', { ...OIDC, ...ELSEWHERE, 'upstream-token': 'caller' }, []],
    [
      'the caller’s elsewhere, the proxy’s own besides',
      { ...OIDC, ...ELSEWHERE, 'upstream-token': 'caller', ...CLIENT, 'upstream-token-scope': 'a' },
      [],
    ],
    [
      'the caller’s to the server of the pod',
      { ...OIDC, 'upstream-token': 'caller' },
      ['UpstreamTokenImpossible upstream-token'],
    ],
    [
      'the caller’s to localhost',
      { ...OIDC, upstream: 'https://localhost:8443/', 'upstream-token': 'caller' },
      ['UpstreamTokenImpossible upstream-token'],
    ],
    ...['127.1', '127.0.0.2', 'localhost.', 'x.localhost', '0.0.0.0', '[::ffff:127.0.0.1]', '[::]'].map(
      (host) =>
        [
          `the caller’s to the pod as ${host}`,
          { ...OIDC, upstream: `https://${host}:8443/`, 'upstream-token': 'caller' },
          ['UpstreamTokenImpossible upstream-token'],
        ] as const,
    ),
    [
      'the caller’s in clear text',
      { ...OIDC, upstream: 'http://tools.example.com/mcp', 'upstream-token': 'caller' },
      ['UpstreamTokenImpossible upstream-token'],
    ],
    [
      'a scope that nobody asks for',
      { ...OIDC, ...ELSEWHERE, 'upstream-token': 'caller', 'upstream-token-scope': 'a' },
      ['NoEffect upstream-token-scope'],
    ],
    [
      'an endpoint for nothing',
      { ...OIDC, ...CLIENT },
      ['NoEffect upstream-token-url', 'NoEffect upstream-token-secret'],
    ],
    [
      'a server that speaks stdio',
      { ...EXCHANGE, transport: 'stdio', command: '["a"]' },
      ['NoEffect upstream-token'],
    ],
  ] as const)
    test(`${title}: ${expected.length === 0 ? 'is taken' : expected.join(', ')}`, () => {
      assert.deepEqual(refusals(texts), expected);
    });
});

test('who is given callers’ tokens, and tokens in clear text, are told', () => {
  assert.match(
    warned({ ...OIDC, ...ELSEWHERE, 'upstream-token': 'caller' }).join('\n'),
    /"caller" hands the tokens of callers to tools\.example\.com: .*\n.*has no kubectl-mcp\.dev\/upstream-token-url: .* without a token$/,
  );
  assert.match(
    warned({ ...EXCHANGE, upstream: 'http://tools.other.svc/mcp' }).join(),
    /sends tokens to tools\.other\.svc over http: they cross the network in clear text$/,
  );
  assert.deepEqual(warned(EXCHANGE), []);
});

describe('annotations of the way to providers', () => {
  const PROXIES = { HTTPS_PROXY: 'http://proxy.example.com:3128', no_proxy: '.svc,10.0.0.0/8' };
  const through = { host: 'proxy.example.com', port: 3128 };

  test('name the authorities, and the variables of the container the proxy', () => {
    assert.deepEqual(configured({ ...OIDC, 'ca-configmap': 'ca' }, PROXIES).outbound, {
      authorities: { source: 'configmap/ca', directory: '/var/run/kubectl-mcp/outbound-authority' },
      proxy: { https: through, except: '.svc,10.0.0.0/8' },
    });
  });

  test('an annotation stands in place of the variables, but for what they except', () => {
    const other = { ...OIDC, 'outbound-proxy': 'http://other.example.com:8080' };
    const expected = { host: 'other.example.com', port: 8080 };
    assert.deepEqual(configured(other, PROXIES).outbound, {
      proxy: { https: expected, http: expected, except: '.svc,10.0.0.0/8' },
    });
    assert.equal(configured({ ...OIDC, 'outbound-proxy': 'none' }, PROXIES).outbound, undefined);
  });

  test('are nothing where nothing goes out, and then refused', () => {
    assert.equal(configured({ auth: 'none' }, PROXIES).outbound, undefined);
    assert.deepEqual(refusals({ auth: 'none', 'ca-configmap': 'ca', 'outbound-proxy': 'none' }), [
      'NoEffect ca-configmap',
      'NoEffect outbound-proxy',
    ]);
  });

  test('a variable that names a proxy which cannot be used is told', () => {
    const parsed = parseAnnotations(annotationsOf(OIDC));
    assert.ok('servers' in parsed);
    const servers = parsed.servers.map((request) => ({ request, target: { container: 'app', port: 3000 } }));
    const spec = podOf({ HTTPS_PROXY: 'https://user:password@proxy.example.com' });
    assert.match(
      warningsOf(spec, servers).join(),
      /^HTTPS_PROXY of container "app" .*outbound-proxy names a proxy$/,
    );
  });
});
