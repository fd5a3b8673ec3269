import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseUpstream } from '../../../plugin/proxy/addresses.ts';
import { FILE_FLAGS } from '../../../plugin/proxy/file-flags.ts';
import { configFromFlags } from '../../../plugin/proxy/local-config.ts';

const FLAGS = {
  'oidc-issuer': 'https://id.example.com',
  'oidc-audience': 'here',
  'upstream-token': 'exchange',
  'upstream-token-url': 'https://id.example.com/token',
};
const file = (name: string) => ({ source: `file/${name}`, directory: `/tmp/${name}` });
const configured = (annotations: Record<string, string>, files: object) =>
  configFromFlags(annotations, {
    auth: 'oidc',
    listen: { host: '127.0.0.1', port: 7410 },
    upstream: parseUpstream('https://tools.example.com/mcp'),
    files,
    secret: 'abcdefghijklmnopqrstu',
    env: { HTTPS_PROXY: 'http://proxy.example.com:3128' },
  } as Parameters<typeof configFromFlags>[1]).servers[0]!;

describe('a credential for the server on this machine', () => {
  test('is asked for with the client of a file, authorities of another beside those of everybody', () => {
    const { upstream, outbound } = configured(FLAGS, {
      upstreamToken: file('client'),
      outboundAuthority: file('ca'),
    });
    assert.deepEqual(
      [upstream.token?.mode, upstream.token?.client, outbound?.authorities, outbound?.proxy?.https?.host],
      ['exchange', file('client'), file('ca'), 'proxy.example.com'],
    );
  });

  test('without the file is refused, in words of the flags', () => {
    assert.throws(() => configured(FLAGS, {}), /--upstream-token="exchange" needs .*--upstream-token-file/s);
  });

  test('is not read from a file that lacks half of it', () => {
    const { split, faults } = FILE_FLAGS.upstreamToken;
    assert.deepEqual(faults(split([Buffer.from('client_id=a\n')])), ['client_secret is not there']);
    assert.deepEqual(faults(split([Buffer.from('client_id=a\nclient_secret=b\n')])), []);
  });
});
