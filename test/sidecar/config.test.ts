import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConfigError, configSchema, parseConfig } from '../../sidecar/config.ts';
import { assertGolden } from '../webhook/golden.ts';

const SERVER = {
  name: 'everything',
  listenPort: 7410,
  upstream: { transport: 'streamable-http', port: 3001, path: '/mcp' },
  auth: { mode: 'none' },
};
const RIGHT = {
  version: 1,
  adminPort: 7411,
  drain: { path: '/drain/abcdefghijklmnop', timeoutMs: 5_000 },
  servers: [SERVER],
};
const server = (change: object) => ({ ...RIGHT, servers: [{ ...SERVER, ...change }] });
const upstream = (change: object) => server({ upstream: { ...SERVER.upstream, ...change } });
const KUBERNETES = { mode: 'kubernetes', audience: 'a', allowPrincipals: ['ns/*'] };

const WRONG: Record<string, unknown> = {
  'an empty document': {},
  'a list': [],
  null: null,
  'another version': { ...RIGHT, version: 2 },
  'an unknown key at the top': { ...RIGHT, server: [] },
  'an unknown key of a server': server({ denyTools: ['x'] }),
  'no servers': { ...RIGHT, servers: [] },
  'several faults at once': {
    ...RIGHT,
    adminPort: 0,
    drain: { path: '/drain/short', timeoutMs: -1 },
    servers: [{ ...SERVER, listenPort: '7410', filter: { mode: 'some' }, audit: 'file' }],
  },
  'ports out of range': { ...upstream({ port: 65_536 }), adminPort: 1.5 },
  'a path without a slash': upstream({ path: 'mcp' }),
  'a path with a line end': upstream({ path: '/mcp HTTP/1.1\r\nX: y' }),
  'an unknown transport': upstream({ transport: 'stdio' }),
  'an unknown auth mode': server({ auth: { mode: 'basic' } }),
  'no auth': server({ auth: undefined }),
  'tokens without a Secret': server({ auth: { mode: 'token' } }),
  'kubernetes without an audience': server({ auth: { mode: 'kubernetes', allowPrincipals: ['ns/*'] } }),
  'nobody allowed': server({ auth: { ...KUBERNETES, allowPrincipals: [] } }),
  'a principal without a namespace': server({ auth: { ...KUBERNETES, allowPrincipals: ['default'] } }),
  'a relative directory': server({ auth: { mode: 'token', source: 'secret/s', directory: 'tokens' } }),
  'a tool glob with a space': server({ filter: { denyTools: ['get env'] } }),
  'the admin port twice': server({ listenPort: 7411 }),
  'the port of the server itself': server({ listenPort: 3001 }),
  'two servers on one port': { ...RIGHT, servers: [SERVER, SERVER] },
};

function faults(text: string | undefined): string[] {
  try {
    parseConfig(text);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.faults;
  }
  assert.fail('was accepted');
}

describe('the configuration', () => {
  test('takes what may be left out from its defaults', () => {
    const config = parseConfig(JSON.stringify(RIGHT));
    assert.equal(config.drain.endpointGraceMs, 3_000);
    assert.deepEqual(config.servers[0]?.filter, { mode: 'all' });
    assert.equal(config.servers[0]?.audit, 'stdout');
    assert.equal(
      parseConfig(JSON.stringify(upstream({ transport: undefined }))).servers[0]?.upstream.transport,
      'auto',
    );
    assert.deepEqual(configSchema.parse(config), config, 'what was read can be written and read again');
  });

  test('that is wrong is told fault by fault: path, value, what is allowed', () => {
    const text = Object.entries(WRONG)
      .map(([name, value]) => `# ${name}\n${faults(JSON.stringify(value)).join('\n')}\n`)
      .join('\n');
    assertGolden(new URL('golden/config-faults.txt', import.meta.url), text);
  });

  test('that is absent or no JSON says so', () => {
    assert.match(faults(undefined).join(), /KUBECTL_MCP_CONFIG is not set/);
    assert.match(faults('').join(), /is not set/);
    assert.match(faults('{"version":1').join(), /^not JSON: /);
  });

  test('never tells a fault in more than one line', () => {
    const longest = { ...RIGHT, [`x\n${'y'.repeat(10_000)}`]: 1, adminPort: 'z\n'.repeat(10_000) };
    for (const fault of faults(JSON.stringify(longest))) assert.doesNotMatch(fault, /\n/);
  });
});
