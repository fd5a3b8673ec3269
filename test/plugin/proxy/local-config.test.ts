import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FLAG_KEYS, INSTEAD, inFlags, OF_PODS } from '../../../plugin/proxy/annotations.ts';
import { parseListen, parseUpstream } from '../../../plugin/proxy/addresses.ts';
import { configFromDocument, configFromFlags, type Local } from '../../../plugin/proxy/local-config.ts';
import { CONFIG_ENV, parseConfig } from '../../../sidecar/config.ts';
import { ANNOTATION_KEYS } from '../../../webhook/annotations.ts';
import { injected } from '../../webhook/golden-pods.ts';

const LOCAL = {
  listen: parseListen('127.0.0.1:0'),
  upstream: parseUpstream('http://127.0.0.1:3001/mcp'),
  files: {},
  secret: 'abcdefghijklmnop',
} satisfies Local;

test('each annotation is a flag, or it is said why not', () => {
  assert.deepEqual(
    [...FLAG_KEYS, ...Object.keys(INSTEAD), ...OF_PODS].toSorted(),
    ANNOTATION_KEYS.toSorted(),
  );
});

test('flags make the document that the webhook makes of annotations of the same names', () => {
  const annotations = {
    name: 'weather',
    'allow-tools': 'get-*,echo',
    'deny-tools': 'get-env',
    mode: 'read-only',
    'allowed-hosts': 'mcp.example.com',
    'allowed-origins': 'https://app.example.com',
    'public-url': 'https://mcp.example.com/weather',
    'trusted-proxies': '10.0.0.0/8',
    'request-timeout': '90s',
    'forward-headers': 'X-Tenant, x-request-id',
    'max-requests-in-flight': '1000',
    'max-streams': '40',
    audit: 'none',
  } as const;
  const { containers, initContainers } = injected(
    {
      metadata: {
        name: 'weather-1',
        namespace: 'default',
        annotations: Object.fromEntries(
          Object.entries({ ...annotations, inject: 'true', auth: 'none' }).map(([key, text]) => [
            `kubectl-mcp.dev/${key}`,
            text,
          ]),
        ),
      },
      spec: { containers: [{ name: 'weather', ports: [{ containerPort: 3001 }] }] },
    },
    { image: 'kubectl-mcp:1', namespace: 'default' },
  ).spec!;
  const env = [...containers, ...(initContainers ?? [])].flatMap((each) => each.env ?? []);
  const [ofPod] = parseConfig(env.find(({ name }) => name === CONFIG_ENV)?.value).servers;
  const [here] = configFromFlags(annotations, LOCAL).servers;
  assert.deepEqual(here, {
    ...ofPod,
    listenPort: 0,
    upstream: { ...ofPod!.upstream, host: '127.0.0.1' },
  });
});

test('a path that is not that of all servers is the only one that is tried', () => {
  for (const [url, path, ssePath] of [
    ['http://localhost:3001', '/mcp', '/sse'],
    ['http://localhost:3001/weather', '/weather', undefined],
  ] as const) {
    const { upstream } = configFromFlags({}, { ...LOCAL, upstream: parseUpstream(url) }).servers[0]!;
    assert.deepEqual([upstream.transport, upstream.path, upstream.ssePath], ['auto', path, ssePath]);
  }
});

test('a server elsewhere is reached through the proxy that a flag or the environment names', () => {
  const upstreamOf = (annotations: object, local: Partial<Local>) =>
    configFromFlags(annotations, { ...LOCAL, ...local } as typeof LOCAL).servers[0]!.upstream;
  const upstream = parseUpstream('https://tools.example.com/v2/mcp');
  const env = { https_proxy: 'http://proxy:3128', NO_PROXY: '.internal' };
  const place = {
    host: 'tools.example.com',
    port: 443,
    path: '/v2/mcp',
    requestTimeoutMs: 120_000,
    transport: 'auto',
    tls: { insecureSkipVerify: false },
  };
  assert.deepEqual(upstreamOf({}, { upstream }), place);
  assert.deepEqual(upstreamOf({}, { upstream, env }), { ...place, proxy: { host: 'proxy', port: 3128 } });
  assert.deepEqual(upstreamOf({ 'upstream-proxy': 'none' }, { upstream, env }), place);
  const named = upstreamOf(
    { 'upstream-tls-server-name': 'tools.internal', 'upstream-proxy': 'http://other:1' },
    { upstream, files: { upstreamAuthority: { source: 'file/ca.pem', directory: '/ca' } } },
  );
  assert.deepEqual(
    [named.proxy, named.tls],
    [
      { host: 'other', port: 1 },
      {
        serverName: 'tools.internal',
        certificateAuthority: { source: 'file/ca.pem', directory: '/ca' },
        insecureSkipVerify: false,
      },
    ],
  );
  assert.deepEqual(upstreamOf({}, { env }).proxy, undefined);
  assert.throws(
    () => upstreamOf({ 'upstream-proxy': 'http://proxy:1' }, {}),
    /--upstream-proxy="http:\/\/proxy:1" has no effect/,
  );
});

test('what the webhook says of annotations is said of flags', () => {
  assert.equal(
    inFlags('kubectl-mcp.dev/mode: "so\\"me" is not allowed; remove kubectl-mcp.dev/token-secret'),
    '--mode="so\\"me" is not allowed; remove --auth-token-file',
  );
  assert.throws(
    () => configFromFlags({ mode: 'some', 'max-streams': '0' }, LOCAL),
    /^CliError: --mode="some" is not allowed; .*\. --max-streams="0" is not allowed; set it to a number/,
  );
});

describe('a document', () => {
  const server = {
    name: 'a',
    listenPort: 7410,
    upstream: { transport: 'streamable-http', port: 7410, path: '/' },
    auth: { mode: 'none' },
  };
  const tokens = { source: 'file/tokens', directory: '/run/tokens' };

  test('has what the command line says in place of its own', () => {
    const config = configFromDocument(
      {
        adminPort: 7411,
        servers: [
          { ...server, upstream: { ...server.upstream, host: 'elsewhere', requestTimeoutMs: 5_000 } },
        ],
      },
      {
        ...LOCAL,
        auth: 'token',
        audit: 'none',
        adminPort: 0,
        upstream: parseUpstream('http://localhost:3001/mcp'),
        files: { tokens },
      },
      'f',
    );
    const [only] = config.servers;
    assert.equal(config.adminPort, 0);
    assert.equal(only?.listenPort, 0);
    assert.deepEqual(only?.auth, { mode: 'token', ...tokens });
    assert.equal(only?.audit, 'none');
    assert.deepEqual(only?.upstream, {
      transport: 'streamable-http',
      port: 3001,
      path: '/mcp',
      requestTimeoutMs: 5_000,
    });
  });

  test('keeps its ports where nothing is said of them', () => {
    const { listen: _, upstream: __, ...local } = LOCAL;
    const upstream = { ...server.upstream, port: 3001 };
    const config = configFromDocument({ adminPort: 9000, servers: [{ ...server, upstream }] }, local, 'f');
    assert.deepEqual([config.adminPort, config.servers[0]?.listenPort], [9000, 7410]);
    assert.equal(configFromDocument({ servers: [{ ...server, upstream }] }, local, 'f').adminPort, 0);
  });

  for (const [title, value, message] of [
    ['that is none', 'text', /f is not a configuration of the sidecar: it needs "servers"/],
    ['that is empty', null, /f is not a configuration of the sidecar/],
    ['of a server without upstream', { servers: [{ name: 'a' }] }, /each with "upstream"/],
    ['of a null', { servers: [null] }, /each with "upstream"/],
    [
      'with faults',
      { servers: [{ ...server, auth: { mode: 'none', extra: 1 }, filter: { mode: 'x' } }], version: 2 },
      /f: version: 2: .*\nf: servers\.0\.auth\.extra: 1: unknown key\nf: servers/,
    ],
    [
      'that needs a cluster',
      { servers: [{ ...server, auth: { mode: 'kubernetes', audience: 'a', allowPrincipals: ['a/*'] } }] },
      /auth kubernetes in f needs a pod/,
    ],
  ] as const) {
    test(`${title} is refused`, () => {
      assert.throws(() => configFromDocument(value, LOCAL, 'f'), message);
    });
  }
});
