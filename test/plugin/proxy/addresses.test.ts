import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLoopback, parseListen, parseUpstream, urlOf } from '../../../plugin/proxy/addresses.ts';

test('--listen takes an address and a port, a port alone, or the port of every address', () => {
  for (const [text, host, port, loopback] of [
    ['127.0.0.1:7410', '127.0.0.1', 7410, true],
    ['7410', '127.0.0.1', 7410, true],
    ['0', '127.0.0.1', 0, true],
    ['127.8.0.1:1', '127.8.0.1', 1, true],
    ['localhost:0', 'localhost', 0, true],
    ['[::1]:8080', '::1', 8080, true],
    [':8080', '0.0.0.0', 8080, false],
    ['*:8080', '0.0.0.0', 8080, false],
    ['0.0.0.0:8080', '0.0.0.0', 8080, false],
    ['[::]:8080', '::', 8080, false],
    ['[::ffff:10.0.0.1]:8080', '::ffff:10.0.0.1', 8080, false],
    ['10.0.0.1:8080', '10.0.0.1', 8080, false],
    // Whatever a resolver makes of it.
    ['127.0.0.1.example.com:8080', '127.0.0.1.example.com', 8080, false],
    ['0:8080', '0', 8080, false],
  ] as const) {
    assert.deepEqual(parseListen(text), { host, port }, text);
    assert.equal(isLoopback({ host }), loopback, text);
  }
  for (const text of [
    '',
    ':',
    'here',
    '127.0.0.1',
    '::1:8080',
    '[::1]',
    '[here]:1',
    '1.2.3.4:65536',
    '1.2.3.4:-1',
    'a b:1',
  ])
    assert.throws(() => parseListen(text), /for "--listen" flag: expected ADDRESS:PORT/, text);
});

test('--upstream takes the URL of a server, whose path is /mcp unless one is written', () => {
  for (const [url, host, port, path] of [
    ['http://localhost:3001', undefined, 3001, '/mcp'],
    ['http://localhost:3001/', undefined, 3001, '/'],
    ['http://127.0.0.1:3001/mcp', '127.0.0.1', 3001, '/mcp'],
    ['http://[::1]:3001/a/b', '::1', 3001, '/a/b'],
    ['http://mcp.example.com/mcp', 'mcp.example.com', 80, '/mcp'],
  ] as const) {
    assert.deepEqual(parseUpstream(url), { ...(host && { host }), port, path, url }, url);
    const https = url.replace('http:', 'https:');
    const tlsPort = port === 80 ? 443 : port;
    assert.deepEqual(
      parseUpstream(https),
      { ...(host && { host }), port: tlsPort, path, tls: {}, url: https },
      https,
    );
  }
  for (const url of [
    'localhost:3001',
    'ftp://a/mcp',
    'HTTPS://a/mcp',
    'http://',
    'http://a:b@c/mcp',
    'http://a/mcp?b=c',
    'http://a/mcp#b',
    'http://a:99999/',
  ])
    assert.throws(() => parseUpstream(url), /for "--upstream" flag: expected http:\/\/HOST:PORT\/PATH/, url);
});

test('a URL that clients of this machine can use is printed', () => {
  assert.equal(urlOf({ host: '0.0.0.0', port: 1 }, { path: '/mcp' }), 'http://localhost:1/mcp');
  assert.equal(urlOf({ host: '::1', port: 1 }, { tls: true }), 'https://[::1]:1');
});
