import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseProxy, proxyVariable } from '../../../sidecar/upstream/upstream-proxy.ts';

const PROXY = 'http://proxy:3128';
const isProxied = (host: string, noProxy: string, port = 443): boolean =>
  proxyVariable({ host, port, tls: {} }, (name) => ({ HTTPS_PROXY: PROXY, NO_PROXY: noProxy })[name]) !==
  undefined;

describe('HTTPS_PROXY and HTTP_PROXY', () => {
  test('are for servers of their scheme, in either case; an empty one says nothing', () => {
    const variables: Record<string, string> = { HTTPS_PROXY: '', https_proxy: 'a:1', HTTP_PROXY: 'b:2' };
    const read = (name: string) => variables[name];
    assert.deepEqual(proxyVariable({ host: 'x', port: 443, tls: {} }, read), {
      name: 'HTTPS_PROXY',
      value: 'a:1',
    });
    assert.deepEqual(proxyVariable({ host: 'x', port: 80 }, read), { name: 'HTTP_PROXY', value: 'b:2' });
    assert.equal(
      proxyVariable({ host: 'x', port: 80 }, () => undefined),
      undefined,
    );
  });

  test('are not for this machine', () => {
    for (const host of [undefined, 'localhost', '127.0.0.1', '127.1.2.3', '::1'])
      assert.equal(
        proxyVariable({ host, port: 443, tls: {} }, () => PROXY),
        undefined,
      );
  });

  for (const [text, found] of [
    ['http://proxy:3128', { host: 'proxy', port: 3128 }],
    ['proxy:3128', { host: 'proxy', port: 3128 }],
    ['http://proxy', { host: 'proxy', port: 80 }],
    ['http://[fd00::1]:3128/', { host: 'fd00::1', port: 3128 }],
    ['https://proxy:3128', undefined],
    ['socks5://proxy:1080', undefined],
    ['http://user:secret@proxy:3128', undefined],
    ['http://', undefined],
    ['http://!:3128', undefined],
    ['http://proxy:0', undefined],
  ] as const)
    test(`${text} is ${found ? `${found.host}, ${found.port}` : 'no proxy that can be used'}`, () => {
      assert.deepEqual(parseProxy(text), found);
    });
});

describe('NO_PROXY', () => {
  for (const [list, excepted, others] of [
    ['*', ['a.example', '10.0.0.1'], []],
    ['example.com', ['example.com', 'EXAMPLE.com', 'api.example.com'], ['badexample.com', 'example.org']],
    ['.example.com, other', ['api.example.com', 'other'], ['example.com']],
    ['*.example.com', ['api.example.com'], ['example.com']],
    ['10.0.0.0/8 192.168.0.1', ['10.1.2.3', '192.168.0.1'], ['11.0.0.1', '192.168.0.2', 'ten.example']],
    ['fd00::/8,::2', ['fd00::1', '::2'], ['fe80::1', '10.0.0.1']],
    ['10.0.0.0/99', [], ['10.0.0.1']],
    ['example.com:443,[fd00::1]:443', ['example.com', 'fd00::1'], ['fd00::2']],
    ['example.com:80', [], ['example.com']],
    [' , ,', [], ['example.com']],
  ] as const)
    test(`"${list}" excepts ${excepted.join(', ') || 'nothing'}`, () => {
      for (const host of excepted) assert.equal(isProxied(host, list), false, host);
      for (const host of others) assert.equal(isProxied(host, list), true, host);
    });
});
