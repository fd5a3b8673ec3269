import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { createStaticTokens } from '../../../sidecar/auth/static-tokens.ts';
import type { Principal } from '../../../sidecar/principal.ts';
import type { Refusal } from '../../../sidecar/reasons.ts';
import type { Authenticator } from '../../../sidecar/auth/authenticator.ts';
import { writeAsKubelet } from '../mounted/write-volume.ts';
import { waitFor } from '../wire/wait-for.ts';

let directory: string;
let tokens: Authenticator;
let events: { event: string; [field: string]: unknown }[];
let revocations: number;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-tokens-'));
  events = [];
  revocations = 0;
});
afterEach(() => {
  tokens.close();
  rmSync(directory, { recursive: true });
});

const mountSecret = (files: Record<string, string>) => writeAsKubelet(directory, files);
async function start(from = directory): Promise<void> {
  tokens = await createStaticTokens(
    { source: 'secret/mcp-tokens', directory: from },
    { log: (event, fields) => void events.push({ event, ...fields }), revoked: () => void revocations++ },
  );
}
const news = (count: number) => waitFor(`${count} events`, () => events.length === count);
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
  test('knows callers by their token, in either header', async () => {
    mountSecret({ alice: 'token-a\n', bob: '  token-b  ' });
    await start();
    assert.equal(shown(tokens.authenticate(bearer('token-a'), CONNECTION)), 'token:alice');
    assert.equal(shown(tokens.authenticate(bearer('token-b'), CONNECTION)), 'token:bob');
    assert.equal(shown(tokens.authenticate({ 'x-mcp-auth': 'token-a' }, CONNECTION)), 'token:alice');
    assert.equal(tokens.notReady(), undefined);
  });

  test('gives each caller another identity, with the Secret as issuer', async () => {
    mountSecret({ alice: 'a', bob: 'b' });
    await start();
    const [alice, bob] = ['a', 'b'].map((each) => tokens.authenticate(bearer(each), CONNECTION) as Principal);
    assert.equal(alice?.issuer, 'secret/mcp-tokens');
    assert.equal(alice?.kind, 'token');
    assert.deepEqual(alice?.groups, []);
    assert.notEqual(alice?.digest, bob?.digest);
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
    test(`refuses ${name}, without a word of what is right`, async () => {
      mountSecret({ alice: 'token-a' });
      await start();
      const verdict = tokens.authenticate(headers, CONNECTION) as Refusal;
      assert.equal(shown(verdict), expected);
      assert.match(verdict.headers?.['www-authenticate'] ?? '', /^Bearer realm="mcp"/);
    });
  }

  test('follows the Secret, also on connections that have proved something before', async () => {
    mountSecret({ alice: 'old', carol: 'c' });
    await start();
    assert.equal(shown(tokens.authenticate(bearer('old'), CONNECTION)), 'token:alice');
    mountSecret({ alice: 'new', bob: 'b', carol: 'c' });
    await news(2);
    assert.equal(shown(tokens.authenticate(bearer('old'), CONNECTION)), 'credentials-invalid');
    assert.equal(shown(tokens.authenticate(bearer('new'), CONNECTION)), 'token:alice');
    assert.equal(shown(tokens.authenticate(bearer('b'), CONNECTION)), 'token:bob');
    assert.deepEqual(events, [
      { event: 'tokens_loaded', source: 'secret/mcp-tokens', callers: 2 },
      { event: 'tokens_loaded', source: 'secret/mcp-tokens', callers: 3 },
    ]);
  });

  test('a principal stands for its token: it does not hold when the token is another, and holds when others change', async () => {
    mountSecret({ alice: 'a', bob: 'b' });
    await start();
    const [alice, bob] = ['a', 'b'].map((each) => tokens.authenticate(bearer(each), CONNECTION) as Principal);
    mountSecret({ alice: 'a2', bob: 'b' });
    await news(2);
    assert.deepEqual(
      [alice, bob].map((each) => tokens.holds(each!)),
      [false, true],
    );
    assert.equal(revocations, 1);
    mountSecret({ alice: 'a2', bob: 'b', carol: 'c' });
    await news(3);
    assert.equal(revocations, 1);
    assert.equal((tokens.authenticate(bearer('a2'), CONNECTION) as Principal).digest, alice!.digest);
  });

  const MANY = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`caller-${100 + index}`, '']));
  const LONG = 'x'.repeat(8 * 1024 + 1);
  for (const [what, files, problem] of [
    ['an empty Secret', {}, 'holds no token'],
    ['an empty token', { alice: 'a', bob: '' }, '"bob" is empty'],
    ['a token of line ends', { alice: 'a', bob: ' \r\n' }, '"bob" is empty'],
    ['a NUL', { alice: 'a\0b' }, '"alice" has NUL inside'],
    ['two lines', { alice: 'a\nb' }, '"alice" has LF inside'],
    ['a CR', { alice: 'a\rb' }, '"alice" has CR inside'],
    ['a space', { alice: 'a b' }, '"alice" has other characters than printable ASCII without spaces'],
    ['UTF-8', { alice: 'ä' }, '"alice" has other characters than printable ASCII without spaces'],
    [
      'a byte order mark',
      { alice: '\uFEFFa' },
      '"alice" has other characters than printable ASCII without spaces',
    ],
    ['more than 8 KiB', { alice: LONG }, '"alice" is longer than 8192 bytes'],
    [
      'a token of two callers',
      { alice: 'a', bob: 'b', carol: 'a\n' },
      '"carol" is the same token as "alice"',
    ],
    [
      'many faults',
      MANY,
      `${Object.keys(MANY)
        .slice(0, 20)
        .map((name) => `"${name}" is empty`)
        .join('; ')}; and 10 more`,
    ],
    [
      'several faults',
      { alice: '', bob: 'b b' },
      '"alice" is empty; "bob" has other characters than printable ASCII without spaces',
    ],
  ] as const) {
    test(`${what} shuts everyone out, whose name is not told to callers, until it is mended`, async () => {
      mountSecret({ alice: 'a' });
      await start();
      mountSecret(files);
      await news(2);
      assert.equal(tokens.notReady(), `Secret mcp-tokens: ${problem}`);
      for (const headers of [{}, bearer('a'), bearer(''), bearer('b')])
        assert.equal(shown(tokens.authenticate(headers, CONNECTION)), 'keys-unavailable');
      assert.deepEqual(events.at(-1), {
        event: 'tokens_refused',
        source: 'secret/mcp-tokens',
        faults: problem.split('; '),
      });
      assert.equal(revocations, 1);
      mountSecret({ alice: 'a' });
      await news(3);
      assert.equal(tokens.notReady(), undefined);
      assert.equal(shown(tokens.authenticate(bearer('a'), CONNECTION)), 'token:alice');
    });
  }

  test('refuses everyone while the Secret is not mounted', async () => {
    await start(join(directory, 'absent'));
    assert.equal(tokens.notReady(), 'Secret mcp-tokens: is not there');
    assert.equal(shown(tokens.authenticate(bearer('x'), CONNECTION)), 'keys-unavailable');
  });
});
