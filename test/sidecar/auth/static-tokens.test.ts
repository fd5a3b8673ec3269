import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import { createStaticTokens } from '../../../sidecar/auth/static-tokens.ts';
import type { Principal } from '../../../sidecar/principal.ts';
import type { Refusal } from '../../../sidecar/reasons.ts';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-tokens-'))));
afterEach(() => {
  mock.timers.reset();
  rmSync(directory, { recursive: true });
});

/** Writes as the kubelet does: a new directory, and a link that is swapped. */
function mountSecret(files: Record<string, string>): void {
  const version = `..${process.hrtime.bigint()}`;
  mkdirSync(join(directory, version));
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(directory, version, name), content);
    rmSync(join(directory, name), { force: true });
    symlinkSync(join('..data', name), join(directory, name));
  }
  symlinkSync(version, join(directory, '..data_tmp'));
  renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
}

const start = () => createStaticTokens({ source: 'secret/mcp-tokens', directory });
const shown = (verdict: Principal | Refusal | Promise<Principal | Refusal>): string => {
  assert.ok(!(verdict instanceof Promise));
  return 'reason' in verdict
    ? `${verdict.reason}${verdict.detail ? `: ${verdict.detail}` : ''}`
    : verdict.name;
};
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** All callers share one, as behind a gateway. */
const CONNECTION = {};

describe('auth: token', () => {
  test('knows callers by their token, in either header', () => {
    mountSecret({ alice: 'token-a\n', bob: '  token-b  ' });
    const tokens = start();
    assert.equal(shown(tokens.authenticate(bearer('token-a'), CONNECTION)), 'token:alice');
    assert.equal(shown(tokens.authenticate(bearer('token-b'), CONNECTION)), 'token:bob');
    assert.equal(shown(tokens.authenticate({ 'x-mcp-auth': 'token-a' }, CONNECTION)), 'token:alice');
    assert.equal(tokens.notReady(), undefined);
    tokens.close();
  });

  test('gives each caller another identity, with the Secret as issuer', () => {
    mountSecret({ alice: 'a', bob: 'b' });
    const tokens = start();
    const [alice, bob] = ['a', 'b'].map((each) => tokens.authenticate(bearer(each), CONNECTION) as Principal);
    assert.equal(alice?.issuer, 'secret/mcp-tokens');
    assert.equal(alice?.kind, 'token');
    assert.deepEqual(alice?.groups, []);
    assert.notEqual(alice?.digest, bob?.digest);
    tokens.close();
  });

  for (const [name, headers, expected] of [
    ['nothing', {}, 'credentials-missing'],
    ['an empty token', { authorization: 'Bearer ' }, 'credentials-missing'],
    ['an empty header', { 'x-mcp-auth': '' }, 'credentials-missing'],
    ['a token that begins alike', bearer('token-a2'), 'credentials-invalid'],
    ['the beginning of a token', bearer('token-'), 'credentials-invalid'],
    ['a caller’s name', bearer('alice'), 'credentials-invalid'],
    ['another case', bearer('TOKEN-A'), 'credentials-invalid'],
    [
      'a wrong token beside a right one',
      { ...bearer('wrong'), 'x-mcp-auth': 'token-a' },
      'credentials-invalid',
    ],
    ['two tokens', { 'x-mcp-auth': 'token-a, token-a' }, 'credentials-invalid'],
    ['a very long token', bearer('a'.repeat(100_000)), 'credentials-invalid'],
  ] as const) {
    test(`refuses ${name}, without a word of what is right`, () => {
      mountSecret({ alice: 'token-a' });
      const tokens = start();
      const verdict = tokens.authenticate(headers, CONNECTION) as Refusal;
      assert.equal(shown(verdict), expected);
      assert.match(verdict.headers?.['www-authenticate'] ?? '', /^Bearer realm="mcp"/);
      tokens.close();
    });
  }

  test('reads the Secret again when it has changed', () => {
    mock.timers.enable({ apis: ['setInterval'] });
    mountSecret({ alice: 'old' });
    const tokens = start();
    mountSecret({ alice: 'new', bob: 'b' });
    assert.equal(shown(tokens.authenticate(bearer('old'), CONNECTION)), 'token:alice');
    mock.timers.tick(5_000);
    assert.equal(shown(tokens.authenticate(bearer('old'), CONNECTION)), 'credentials-invalid');
    assert.equal(shown(tokens.authenticate(bearer('new'), CONNECTION)), 'token:alice');
    assert.equal(shown(tokens.authenticate(bearer('b'), CONNECTION)), 'token:bob');
    tokens.close();
  });

  test('refuses everyone, and says why, while there is no token', () => {
    mock.timers.enable({ apis: ['setInterval'] });
    mountSecret({ alice: '', bob: '\n' });
    const tokens = start();
    assert.equal(tokens.notReady(), 'Secret mcp-tokens holds no token');
    for (const headers of [{}, bearer(''), bearer('\n'), bearer('x')])
      assert.match(shown(tokens.authenticate(headers, CONNECTION)), /^keys-unavailable/);
    mountSecret({ alice: 'a' });
    mock.timers.tick(5_000);
    assert.equal(shown(tokens.authenticate(bearer('a'), CONNECTION)), 'token:alice');
    tokens.close();
  });

  test('an empty file is nobody’s token', () => {
    mountSecret({ alice: 'a', empty: '' });
    const tokens = start();
    for (const headers of [{}, bearer(''), { 'x-mcp-auth': '' }])
      assert.equal(shown(tokens.authenticate(headers, CONNECTION)), 'credentials-missing');
    tokens.close();
  });

  test('refuses everyone while the Secret is not mounted', () => {
    const tokens = createStaticTokens({ source: 'secret/mcp-tokens', directory: join(directory, 'absent') });
    assert.equal(tokens.notReady(), 'Secret mcp-tokens: ENOENT');
    assert.match(shown(tokens.authenticate(bearer('x'), CONNECTION)), /^keys-unavailable/);
    tokens.close();
  });
});
