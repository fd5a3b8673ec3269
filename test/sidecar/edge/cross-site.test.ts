import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, test } from 'node:test';
import type { ServerConfig } from '../../../sidecar/config.ts';
import { createCrossSite } from '../../../sidecar/edge/cross-site.ts';
import type { Exchange } from '../../../sidecar/exchange.ts';
import type { Refusal } from '../../../sidecar/reasons.ts';

const PAGE = 'https://app.example.com';
const crossSite = (server: object = {}) =>
  createCrossSite(
    {
      name: 'tools',
      upstream: {},
      allowedHosts: [],
      allowedOrigins: [],
      ...server,
    } as unknown as ServerConfig,
    {
      namespace: 'team-a',
      clusterDomain: 'cluster.local',
    },
  );

function verdict(headers: Record<string, string>, server?: object): string | undefined {
  const exchange = { head: { headers }, rule: 'default' } as unknown as Exchange;
  const refusal = crossSite(server).pass.head?.(exchange) as Refusal | undefined;
  return refusal && `${exchange.rule}: ${refusal.reason}: ${refusal.detail}`;
}

/** What a browser is told. */
function told(headers: Record<string, string>, method = 'POST', server: object = { allowedOrigins: [PAGE] }) {
  const given: Record<string, unknown> = {};
  let status: number | undefined;
  const response = {
    setHeader: (name: string, value: string) => (given[name] = value),
    writeHead: (code: number, more: object) => Object.assign(given, more, { status: (status = code) }),
    end: () => undefined,
  };
  const answered = crossSite(server).answer(
    { method, headers } as unknown as IncomingMessage,
    response as unknown as ServerResponse,
  );
  assert.equal(answered, status !== undefined);
  return given;
}

describe('Origin', () => {
  test('is not sent by programs, and may be this machine’s when Host is', () => {
    for (const origin of [
      'http://localhost',
      'http://localhost:6274',
      'https://127.0.0.1:1',
      'http://[::1]:8080',
    ])
      assert.equal(verdict({ host: 'localhost:7410', origin }), undefined, origin);
    assert.equal(verdict({ host: 'tools.team-a' }), undefined);
    assert.match(verdict({ host: 'tools.team-a', origin: 'http://localhost:6274' }) ?? '', /^origin: /);
  });

  test('of any other site is refused', () => {
    for (const origin of [
      '',
      'null',
      'https://evil.example',
      'http://localhost.evil.example',
      'http://evil.example/localhost',
      'http://localhost:6274.evil.example',
      'http://localhost@evil.example',
      'http://127.0.0.1.evil.example',
      'http://10.0.0.1',
      'http://localhost, https://evil.example',
      'chrome-extension://abc',
      'https://app.example.com.evil.example',
      'https://app.example.com:444',
      'http://app.example.com',
      'https://app.example.com/',
      'HTTPS://app.example.com',
    ])
      assert.match(
        verdict({ host: 'localhost', origin }, { allowedOrigins: [PAGE] }) ?? '',
        /^origin: origin-forbidden: .*kubectl-mcp\.dev\/allowed-origins/,
        origin,
      );
  });

  test('may be what the annotation lists, or any but null with "*"', () => {
    assert.equal(verdict({ host: 'tools', origin: PAGE }, { allowedOrigins: [PAGE] }), undefined);
    assert.equal(
      verdict({ host: 'tools', origin: 'https://any.example' }, { allowedOrigins: ['*'] }),
      undefined,
    );
    assert.ok(verdict({ host: 'tools', origin: 'null' }, { allowedOrigins: ['*'] }));
  });
});

describe('a refused Host', () => {
  test('is named, bounded and escaped, with the annotation', () => {
    assert.equal(
      verdict({ host: 'evil.example:80' }),
      'host: host-forbidden: "evil.example:80"; the annotation kubectl-mcp.dev/allowed-hosts adds names',
    );
    assert.match(verdict({}) ?? '', /^host: host-forbidden: \(none\)/);
    const long = verdict({ host: `"\u0001${'x'.repeat(10_000)}` }) ?? '';
    assert.ok(long.length < 300 && long.includes('\\"\\u0001'), long);
  });

  test('is refused again after a good one, and the good one is let through again', () => {
    const { pass } = crossSite();
    const judge = (host: string) => pass.head?.({ head: { headers: { host } } } as unknown as Exchange);
    for (const [host, good] of [
      ['tools', true],
      ['tools', true],
      ['evil.example', false],
      ['tools', true],
      ['evil.example', false],
    ] as const)
      assert.equal(judge(host) === undefined, good, host);
  });
});

describe('a browser', () => {
  const PREFLIGHT = { host: 'tools', origin: PAGE, 'access-control-request-method': 'POST' };

  test('learns before the call what a listed page may send', () => {
    const given = told(
      {
        ...PREFLIGHT,
        'access-control-request-headers': 'Content-Type, mcp-param-region, mcp-param-Bad_, x-evil',
      },
      'OPTIONS',
    );
    assert.equal(given['status'], 204);
    assert.equal(given['access-control-allow-origin'], PAGE);
    assert.equal(given['vary'], 'Origin');
    assert.equal(given['access-control-allow-methods'], 'POST, GET, DELETE');
    const headers = String(given['access-control-allow-headers']).split(', ');
    for (const name of [
      'content-type',
      'authorization',
      'mcp-session-id',
      'mcp-protocol-version',
      'mcp-param-region',
    ])
      assert.ok(headers.includes(name), name);
    for (const name of ['x-evil', 'mcp-param-bad_']) assert.ok(!headers.includes(name), name);
    assert.equal(given['access-control-allow-credentials'], undefined);
  });

  test('learns with each answer that the page may read it', () => {
    const given = told({ host: 'tools', origin: PAGE });
    assert.equal(given['access-control-allow-origin'], PAGE);
    assert.match(String(given['access-control-expose-headers']), /mcp-session-id.*www-authenticate/);
  });

  test('is told nothing for pages that are not listed, of this machine too, and for other hosts', () => {
    assert.deepEqual(told({ ...PREFLIGHT, origin: 'https://evil.example' }, 'OPTIONS'), {});
    assert.deepEqual(told({ host: 'localhost', origin: 'http://localhost:1' }), {});
    assert.deepEqual(told({ ...PREFLIGHT, host: 'evil.example' }, 'OPTIONS'), {});
    assert.deepEqual(told(PREFLIGHT, 'OPTIONS', {}), {});
  });
});

test('checks that are switched off are told of', () => {
  assert.deepEqual(crossSite().warnings, []);
  const off = crossSite({ allowedHosts: ['*'], allowedOrigins: ['*'] });
  assert.equal(off.warnings.length, 2);
  assert.equal(off.unchecked, 'host,origin');
  assert.equal(verdict({ host: 'evil.example' }, { allowedHosts: ['*'] }), undefined);
});
