import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig } from '../../sidecar/config.ts';
import { ANNOTATIONS, ANNOTATION_KEYS } from '../../webhook/annotations.ts';
import type { Annotation } from '../../webhook/grammar.ts';
import { PREFIX } from '../../webhook/names.ts';
import { parseAnnotations } from '../../webhook/parse-annotations.ts';
import { refusalText } from '../../webhook/refusals.ts';
import { annotationsDoc } from './annotations-doc.ts';
import { assertGolden } from './golden.ts';

const parse = (annotations: Record<string, string>) =>
  parseAnnotations(
    Object.fromEntries(Object.entries(annotations).map(([key, value]) => [PREFIX + key, value])),
  );
const refusals = (annotations: Record<string, string>): string[] => {
  const result = parse(annotations);
  return 'refusals' in result ? result.refusals.map((each) => refusalText([each])) : [];
};

test('docs/annotations.md is what the table of annotations says', () => {
  assertGolden(new URL('../../docs/annotations.md', import.meta.url), annotationsDoc());
});

test('one annotation is enough', () => {
  const result = parse({ inject: 'true' });
  assert.deepEqual('servers' in result && result.servers, [
    {
      inject: 'true',
      transport: 'auto',
      auth: ['kubernetes'],
      mode: 'all',
      authorization: 'none',
      audit: 'stdout',
      lockdown: 'network-policy',
      mask: 'none',
      'listen-port': 7410,
      'admin-port': 7411,
      'startup-seconds': 30,
    },
  ]);
});

test('all faults are told at once', () => {
  assert.equal(
    refusals({ inject: 'true', port: '0', mode: 'some', foo: 'x', 'token-secret': 'y' }).length,
    4,
  );
});

test('a misspelt key is refused with the nearest one', () => {
  for (const [wrong, right] of [
    ['deny-tool', 'deny-tools'],
    ['allowtools', 'allow-tools'],
    ['Inject', 'inject'],
    ['adminport', 'admin-port'],
    ['token_secret', 'token-secret'],
  ] as const) {
    const [text] = refusals({ inject: 'true', [wrong]: 'x' });
    assert.equal(
      text,
      `kubectl-mcp.dev/${wrong}: "x" is not a known annotation; perhaps kubectl-mcp.dev/${right} is meant`,
    );
  }
});

test('keys that every object has are unknown too', () => {
  for (const key of ['constructor', '__proto__', 'toString', '']) {
    assert.equal(
      refusals(JSON.parse(`{"inject":"true","${key}":"x"}`) as Record<string, string>).length,
      1,
      key,
    );
  }
});

describe('grammar', () => {
  const allowed: Record<string, string[]> = {
    name: ['a', 'my-server-1'],
    port: ['1', '65535', 'http', 'mcp-1', '8080-tcp'],
    path: ['/', '/mcp', '/a/b?c=d'],
    'allow-principals': ['*/*', 'ns/sa', ' a/b , c-*/d.e '],
    'allow-tools': ['*', 'get-*,Set_?', 'a/b.c'],
    'startup-seconds': ['1', '3600'],
    'allowed-hosts': ['*', 'tools.example.com', '*.example.com, b'],
    'allowed-origins': ['*', 'https://app.example.com,http://localhost:6274', 'http://[::1]:6274'],
    'public-url': ['https://tools.example.com', 'http://tools.example.com:8080/a/mcp'],
    'tls-secret': ['tools-tls', 'a.b'],
    'trusted-proxies': ['10.0.0.0/8', '10.0.0.1/32, fd00::/8', '::/0'],
    'request-timeout': ['1s', '90s', '5m', '1h30m', '24h', '1h0m5s'],
    'max-requests-in-flight': ['1', '100000'],
    'max-streams': ['1', '100000'],
    policy: ['tools-policy'],
    upstream: ['https://localhost:8443/mcp', 'https://tools.example.com', 'http://[fd00::1]:80/'],
    'upstream-headers-secret': ['a'],
    'upstream-headers-volume': ['data', 'data/a/b.c'],
    'forward-headers': ['x-tenant', 'X-Tenant, x-request-id', 'user-agent,x-hosting', 'a'],
    audience: ['x', 'https://mcp.example.test/a'],
  };
  const refused: Record<string, string[]> = {
    inject: ['True', '', 'yes', ' true'],
    name: ['A', '-a', 'a.b', 'a'.repeat(64), ''],
    container: ['A_b', ''],
    port: ['0', '65536', '-1', '80 ', '08', 'a--b', '-a', 'ab-', 'HTTP', 'a'.repeat(16), ''],
    path: ['mcp', '', '/a b', '/ä', '/a\n'],
    auth: ['OIDC', 'None', 'oidc,none', 'oidc,oidc'],
    audience: ['', 'a b', 'x'.repeat(257)],
    'allow-principals': ['', 'a', 'a/b,', 'A/b', 'system:serviceaccount:a:b'],
    'allow-tools': ['', ',', 'a b', 'a,,b', 'ä'],
    'deny-tools': ['', 'a;b'],
    mode: ['readonly'],
    audit: ['file'],
    'listen-port': ['http', '0'],
    'allowed-hosts': ['', 'a:80', 'A', '*.*', 'a.*', 'http://a', 'a/b', 'ä', 'a b', '*a'],
    'allowed-origins': [
      '',
      'app.example.com',
      'https://a/',
      'https://A',
      'https://*.a',
      'https://a:443',
      'http://a:80',
      'https://a:99999',
      'null',
    ],
    'public-url': [
      '',
      'a',
      'ftp://a',
      'https://',
      'https://u:p@a',
      'https://a/?b',
      'https://a/#b',
      ' https://a',
    ],
    'tls-secret': ['', 'A', 'a/b', 'a'.repeat(254)],
    'trusted-proxies': ['', '10.0.0.1', '10.0.0.0/33', 'a', '10.0.0.0/8;::/0'],
    'request-timeout': ['', '90', '0s', '0', '25h', '1.5m', '500ms', '5 m', 'm', '30m1h', '-5s'],
    'max-requests-in-flight': ['0', '100001', '1k', ''],
    'max-streams': ['-1', '1.5'],
    policy: ['', 'A b'],
    upstream: ['', 'tools.example.com', 'https://!/mcp', 'http://tools:0/', 'http://a:b@tools/'],
    'upstream-headers-secret': ['', 'A'],
    'upstream-headers-volume': ['', '/a', 'a/', 'a//b', 'a/../b', 'a/.b', 'A/b', 'a/b c', 'data/..data'],
    'startup-seconds': ['0', '30s', '3601', '1.5'],
    'forward-headers': [
      '',
      'x-a,',
      'x a',
      'x_tenant',
      'x-a\r\nhost',
      'x-a, X-A',
      '*',
      'a'.repeat(65),
      Array.from({ length: 17 }, (_, at) => `x-${at}`).join(),
      ...(
        'authorization Authorization proxy-authorization x-authorization cookie set-cookie x-mcp-auth x-api-key x-auth-token ' +
        'host connection keep-alive te trailer transfer-encoding upgrade expect content-length content-type ' +
        'accept accept-encoding origin referer forwarded via x-forwarded-for x-forwarded-user x-real-ip x-original-url ' +
        'x-http-method-override mcp-session-id mcp-param-a last-event-id traceparent baggage sec-fetch-site if-match'
      ).split(' '),
    ],
  };
  for (const [key, values] of Object.entries(allowed)) {
    test(`${key} may be ${values.join(' | ')}`, () => {
      for (const value of values) assert.deepEqual(refusals({ inject: 'true', [key]: value }), [], value);
    });
  }
  for (const [key, values] of Object.entries(refused)) {
    test(`${key} may not be ${JSON.stringify(values)}`, () => {
      for (const value of values) {
        const [text, ...more] = refusals({ inject: 'true', [key]: value });
        assert.ok(text?.startsWith(`kubectl-mcp.dev/${key}: `), `${value}: ${text}`);
        assert.match(text ?? '', /; set it to /);
        assert.deepEqual(more, []);
      }
    });
  }
});

describe('keys without effect', () => {
  const cases: [key: string, value: string, beside: Record<string, string>][] = [
    ['token-secret', 's', {}],
    ['token-secret', 's', { auth: 'none' }],
    ['audience', 'x', { auth: 'none' }],
    ['token-volume', 'v', { auth: 'kubernetes' }],
    ['allow-principals', 'a/b', { auth: 'token', 'token-secret': 's' }],
  ];
  for (const [key, value, beside] of cases) {
    test(`${key} beside ${JSON.stringify(beside)}`, () => {
      const [text, ...more] = refusals({ inject: 'true', ...beside, [key]: value });
      const start = `kubectl-mcp.dev/${key}: "${value}" has no effect without kubectl-mcp.dev/auth: `;
      assert.ok(text?.startsWith(start), `${text}`);
      assert.deepEqual(more, []);
    });
  }
});

test('defaults obey their own grammar, and every key has a doc line', () => {
  for (const key of ANNOTATION_KEYS) {
    const entry: Annotation = ANNOTATIONS[key];
    assert.ok((entry.default === undefined) !== (entry.otherwise === undefined), key);
    if (entry.default) assert.ok(entry.grammar.safeParse(entry.default).success, key);
    assert.match(entry.doc, /\.$/, key);
  }
});

test('what the docs say of absent limits is what the sidecar does', () => {
  const { limits, upstream } = parseConfig(
    JSON.stringify({
      version: 1,
      adminPort: 7411,
      drain: { path: `/drain/${'x'.repeat(16)}`, timeoutMs: 1 },
      servers: [
        {
          name: 'a',
          listenPort: 7410,
          upstream: { transport: 'streamable-http', port: 1, path: '/' },
          auth: { mode: 'none' },
        },
      ],
    }),
  ).servers[0]!;
  assert.equal(ANNOTATIONS['request-timeout'].otherwise, `\`${upstream.requestTimeoutMs / 1_000}s\``);
  assert.equal(ANNOTATIONS['max-requests-in-flight'].otherwise, `\`${limits.requestsInFlight}\``);
  assert.equal(ANNOTATIONS['max-streams'].otherwise, `\`${limits.streams}\``);
});

/** By name. */
function servers(annotations: Record<string, string>) {
  const result = parse({ inject: 'true', ...annotations });
  assert.ok('servers' in result, JSON.stringify(result));
  return Object.fromEntries(result.servers.map((each) => [each.server?.name, each]));
}

describe('several servers', () => {
  const two = { 'a.port': '1001', 'b.port': '1002', 'b.listen-port': '7412' };

  test('are those that keys name, in the order of their names', () => {
    const result = parse({ inject: 'true', 'b.mode': 'read-only', 'a.path': '/a', 'b.listen-port': '7412' });
    assert.deepEqual('servers' in result && result.servers.map(({ server }) => server?.name), ['a', 'b']);
  });

  test('have what is said for all, unless they say it themselves', () => {
    const { a, b } = servers({ ...two, mode: 'read-only', 'deny-tools': 'x*', 'b.mode': 'all' });
    assert.deepEqual([a?.mode, b?.mode], ['read-only', 'all']);
    assert.deepEqual([a?.['deny-tools'], b?.['deny-tools']], [['x*'], ['x*']]);
    assert.deepEqual([a?.server?.shared, b?.server?.shared], [['mode', 'deny-tools'], ['deny-tools']]);
  });

  test('have what is said for all only where it has an effect', () => {
    const { a, b } = servers({ ...two, auth: 'token', 'token-secret': 's', 'b.auth': 'none' });
    assert.deepEqual([a?.['token-secret'], b?.['token-secret']], ['s', undefined]);
  });

  test('say a thing in one way, and what is said for all in another gives way', () => {
    const { a, b } = servers({ ...two, auth: 'token', 'token-secret': 's', 'b.token-volume': 'v' });
    assert.deepEqual([a?.['token-secret'], b?.['token-secret']], ['s', undefined]);
    const other = servers({ ...two, 'upstream-headers-volume': 'v', 'a.upstream-headers-secret': 's' });
    assert.equal(other['a']?.['upstream-headers-volume'], undefined);
    assert.equal(other['b']?.['upstream-headers-volume']?.volume, 'v');
  });

  test('share what is of the pod', () => {
    const { a, b } = servers({ ...two, name: 'tools', 'admin-port': '7500', 'max-streams': '9' });
    for (const each of [a, b])
      assert.deepEqual([each?.name, each?.['admin-port'], each?.['max-streams']], ['tools', 7500, 9]);
  });

  test('have a port each at the proxy, and the default is that of one', () => {
    const { a, b } = servers(two);
    assert.deepEqual([a?.['listen-port'], b?.['listen-port']], [7410, 7412]);
  });

  test('may be one, and a name of 30 characters', () => {
    assert.deepEqual(Object.keys(servers({ [`${'a'.repeat(30)}.port`]: '1' })), ['a'.repeat(30)]);
  });

  for (const [title, annotations, expected] of [
    [
      'a port for all',
      { ...two, port: '80' },
      /port: "80" is not for all servers, and others are named: a, b;/,
    ],
    ['an audience for all', { ...two, audience: 'x' }, /audience: "x" is not for all servers/],
    ['a key of the pod for one', { ...two, 'a.admin-port': '9' }, /a\.admin-port: "9" is for the whole pod/],
    [
      'what no server takes',
      { ...two, mode: 'all', 'a.mode': 'all', 'b.mode': 'all' },
      /mode: "all" has no effect/,
    ],
    [
      'two without a port',
      { 'a.port': '1', 'b.port': '2' },
      /a\.listen-port is missing beside .*b\.listen-port/,
    ],
    [
      'equal ports',
      { ...two, 'a.listen-port': '7412' },
      /b\.listen-port: "7412" is the listen-port of server a too/,
    ],
    [
      'the default taken',
      { ...two, 'b.listen-port': '7410' },
      /b\.listen-port: "7410" is the listen-port of server a/,
    ],
    ['a misspelt key', { ...two, 'a.deny-tool': 'x' }, /perhaps kubectl-mcp\.dev\/a\.deny-tools is meant/],
    ['a dot for a dash', { ...two, 'admin.port': '1' }, /perhaps kubectl-mcp\.dev\/admin-port is meant/],
    ['two dots', { ...two, 'a.b.port': '1' }, /a\.b\.port: "1" is not a known annotation/],
    ['a long name', { ...two, [`${'a'.repeat(31)}.port`]: '1' }, /is no DNS label of at most 30 characters/],
    ['a name of no name', { '-.port': '1' }, /names a server "-"/],
    [
      'more than 16 names',
      Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`s${index + 10}.path`, '/'])),
      /s26\.\* is for one of 17 servers, while a pod may have 16; put the others into pods of their own/,
    ],
    ['a value of one', { ...two, 'a.mode': 'some' }, /kubectl-mcp\.dev\/a\.mode: "some" is not allowed/],
  ] as const) {
    test(`are refused with ${title}, once`, () => {
      const [text, ...more] = refusals({ inject: 'true', ...annotations });
      assert.match(text ?? '', expected);
      assert.deepEqual(more, []);
    });
  }

  test('are refused once for a value that all have', () => {
    assert.equal(refusals({ inject: 'true', ...two, mode: 'some' }).length, 1);
  });
});
