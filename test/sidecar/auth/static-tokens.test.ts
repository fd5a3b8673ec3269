import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { formatToken } from '../../../sidecar/auth/token-format.ts';
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
let nowMs: number;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-tokens-'));
  events = [];
  revocations = 0;
  nowMs = 0;
});
afterEach(() => {
  tokens.close();
  rmSync(directory, { recursive: true });
});

const mountSecret = (files: Record<string, string>) => writeAsKubelet(directory, files);
async function start(from = directory): Promise<void> {
  tokens = await createStaticTokens(
    { source: 'secret/mcp-tokens', directory: from },
    {
      log: (event, fields) => void events.push({ event, ...fields }),
      revoked: () => void revocations++,
      now: () => nowMs,
    },
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
    const revisions = events.map(({ revision }) => revision);
    assert.equal(new Set(revisions).size, 2);
    assert.equal(tokens.tokensRevision!(), revisions[1]);
    assert.deepEqual(events, [
      { event: 'tokens_loaded', source: 'secret/mcp-tokens', callers: 2, revision: revisions[0] },
      { event: 'tokens_loaded', source: 'secret/mcp-tokens', callers: 3, revision: revisions[1] },
    ]);
  });

  test('knows a token by its digest, and the digest itself is none', async () => {
    const digest = hash('sha256', 'token-a', 'hex');
    mountSecret({ alice: `sha256:${digest}`, bob: `sha256:${hash('sha256', 'b', 'hex').toUpperCase()}` });
    await start();
    assert.equal(shown(tokens.authenticate(bearer('token-a'), CONNECTION)), 'token:alice');
    assert.equal(shown(tokens.authenticate(bearer('b'), CONNECTION)), 'token:bob');
    for (const each of [`sha256:${digest}`, digest])
      assert.equal(shown(tokens.authenticate(bearer(each), CONNECTION)), 'credentials-invalid');
  });

  test('a token ends when its time comes, on a connection that has proved it too, and says so to its holder', async () => {
    mountSecret({
      alice: 'a expires=2026-11-20T12:00:00Z\nb expires=2026-11-20T13:00:00Z',
      carol: 'c',
    });
    await start();
    nowMs = Date.parse('2026-11-20T11:59:59.999Z');
    const first = tokens.authenticate(bearer('a'), CONNECTION) as Principal;
    assert.ok(tokens.holds(first));
    nowMs = Date.parse('2026-11-20T12:00:00Z');
    assert.ok(!tokens.holds(first));
    assert.equal(
      shown(tokens.authenticate(bearer('a'), CONNECTION)),
      'credentials-invalid: the token has expired (2026-11-20T12:00:00.000Z)',
    );
    const second = tokens.authenticate(bearer('b'), CONNECTION) as Principal;
    // Sessions of the caller's go on.
    assert.equal(second.digest, first.digest);
    assert.ok(tokens.holds(second));
    assert.equal(shown(tokens.authenticate(bearer('c'), CONNECTION)), 'token:carol');
  });

  test('an end that is given to a token later counts for who was let in before', async () => {
    nowMs = Date.parse('2026-11-20T12:00:00Z');
    mountSecret({ alice: 'a' });
    await start();
    const alice = tokens.authenticate(bearer('a'), CONNECTION) as Principal;
    mountSecret({ alice: `sha256:${hash('sha256', 'a', 'hex')} expires=2026-11-20T12:00:01Z` });
    await news(2);
    assert.ok(tokens.holds(alice));
    assert.equal(revocations, 0);
    nowMs += 1000;
    assert.ok(!tokens.holds(alice));
  });

  test('tells who has a part of a token that it is cut', async () => {
    const token = formatToken(Buffer.alloc(32, 7));
    mountSecret({ alice: token });
    await start();
    assert.equal(shown(tokens.authenticate(bearer(token), CONNECTION)), 'token:alice');
    assert.equal(
      shown(tokens.authenticate(bearer(token.slice(0, -1)), CONNECTION)),
      'credentials-invalid: the token is cut, or mistyped',
    );
    assert.equal(
      shown(tokens.authenticate(bearer(formatToken(Buffer.alloc(32, 8))), CONNECTION)),
      'credentials-invalid',
    );
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
