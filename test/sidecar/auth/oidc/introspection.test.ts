import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type { KindAuthenticator } from '../../../../sidecar/auth/authenticator.ts';
import { createOidc } from '../../../../sidecar/auth/oidc/create-oidc.ts';
import { judgeIntrospected } from '../../../../sidecar/auth/oidc/introspection.ts';
import { oidcAuth } from '../../../../sidecar/auth/oidc/oidc-config.ts';
import { createOutbound, type Outbound } from '../../../../sidecar/outbound/outbound.ts';
import type { Principal } from '../../../../sidecar/principal.ts';
import { writeAsKubelet } from '../../mounted/write-volume.ts';
import { waitFor } from '../../wire/wait-for.ts';
import { createMovedClock, type MovedClock } from './moved-clock.ts';

describe('what a provider says of a token', () => {
  const nowMs = 1_000_000_000;
  const S = nowMs / 1000;
  const config = { issuer: 'https://id.example.com', audiences: ['a', 'b'] };
  const good = { active: true, aud: 'a', exp: S + 60 };
  const judge = (more: object) => judgeIntrospected({ ...good, ...more }, config, nowMs);
  for (const [more, expiresAtMs] of [
    [{}, nowMs + 60_000],
    [{ exp: undefined }, Infinity],
    [{ aud: ['x', 'b'] }, nowMs + 60_000],
    [{ iss: 'https://id.example.com', token_type: 'bearer' }, nowMs + 60_000],
    [{ exp: S - 29 }, nowMs - 29_000],
    [{ nbf: S + 29 }, nowMs + 60_000],
  ] as const)
    test(`${JSON.stringify(more)} lets it in`, () => {
      assert.deepEqual(judge(more), { expiresAtMs });
    });
  for (const more of [
    { active: false },
    { active: 'true' },
    { active: undefined },
    { aud: undefined },
    { aud: 'c' },
    { aud: { a: 1 } },
    { iss: 'https://id.example.com/' },
    { token_type: 'DPoP' },
    { cnf: {} },
    { exp: S - 31 },
    { exp: '2000000000' },
    { nbf: S + 31 },
    { nbf: 'x' },
    { typ: 'Refresh' },
  ])
    test(`${JSON.stringify(more)} does not`, () => {
      assert.ok('fault' in judge(more));
    });
});

describe('tokens that are no JWTs', () => {
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-introspection-'));
  let server: Server;
  let issuer: string;
  let outbound: Outbound;
  let clock: MovedClock;
  let authenticator: KindAuthenticator;
  let answer: () => { status?: number; body: unknown } | Promise<{ status?: number; body: unknown }>;
  let asked: { authorization: string | undefined; body: string }[];

  before(async () => {
    server = createServer((request, response) => {
      void (async () => {
        const body = await text(request);
        if (request.url !== '/introspect')
          return response.end(JSON.stringify({ issuer, introspection_endpoint: `${issuer}/introspect` }));
        asked.push({ authorization: request.headers.authorization, body });
        const { status = 200, body: said } = await answer();
        return response.writeHead(status).end(typeof said === 'string' ? said : JSON.stringify(said));
      })();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    outbound = await createOutbound({}, () => undefined);
  });
  after(() => {
    outbound.close();
    server.close();
    rmSync(directory, { recursive: true });
  });
  beforeEach(async () => {
    writeAsKubelet(directory, { client_id: 'a proxy', client_secret: 's:+/ &' });
    clock = createMovedClock();
    asked = [];
    answer = () => ({ body: { active: true, sub: 'alice', aud: 'tools' } });
    authenticator = await createOidc(
      oidcAuth.parse({
        mode: 'oidc',
        issuer,
        audiences: ['tools'],
        introspection: { source: 'secret/client', directory },
      }),
      { outbound: () => Promise.resolve(outbound), log: () => undefined, clock },
    );
    await waitFor('the provider', () => authenticator.notReady() === undefined);
  });
  afterEach(() => authenticator.close());

  const show = async (token: string): Promise<string> => {
    const verdict = await authenticator.authenticate({ authorization: `Bearer ${token}` }, {});
    return 'reason' in verdict ? verdict.reason : verdict.name;
  };

  test('are asked about with the credentials of the Secret, form-encoded', async () => {
    assert.equal(await show('to+ken/='), 'oidc:alice');
    assert.deepEqual(asked, [
      {
        authorization: `Basic ${btoa('a+proxy:s%3A%2B%2F+%26')}`,
        body: 'token=to%2Bken%2F%3D&token_type_hint=access_token',
      },
    ]);
  });

  test('are asked about by many callers at once in one question, and then not for half a minute', async () => {
    assert.deepEqual(
      new Set(await Promise.all(Array.from({ length: 50 }, () => show('t')))),
      new Set(['oidc:alice']),
    );
    clock.forwardMs(29_000);
    await show('t');
    assert.equal(asked.length, 1);
    clock.forwardMs(2_000);
    await show('t');
    assert.equal(asked.length, 2);
  });

  test('are not taken past their end for that', async () => {
    answer = () => ({
      body: { active: true, sub: 'alice', aud: 'tools', exp: Math.floor(clock.now() / 1000) + 5 },
    });
    const verdict = (await authenticator.authenticate({ authorization: 'Bearer t' }, {})) as Principal;
    assert.equal(authenticator.holds(verdict), true);
    clock.forwardMs(6_000);
    assert.equal(authenticator.holds(verdict), false);
    answer = () => ({ body: { active: false } });
    assert.equal(await show('t'), 'credentials-invalid');
  });

  test('that nobody knows are asked about once in ten seconds', async () => {
    answer = () => ({ body: { active: false } });
    for (let time = 0; time < 5; time++) assert.equal(await show('t'), 'credentials-invalid');
    assert.equal(asked.length, 1);
    clock.forwardMs(11_000);
    await show('t');
    assert.equal(asked.length, 2);
  });

  test('get 503 while the provider does not answer, and the owner is told why', async () => {
    for (const [said, words] of [
      [
        { status: 401, body: {} },
        /^tokens that are no JWTs cannot be checked: http.*\/introspect answered 401$/,
      ],
      [{ body: 'oops' }, /\/introspect is not JSON$/],
      [{ body: [] }, /\/introspect is not a JSON object$/],
    ] as const) {
      answer = () => said;
      assert.equal(await show('t'), 'keys-unavailable');
      assert.match(authenticator.problems!()[0]!, words);
      assert.ok(!authenticator.problems!()[0]!.includes('%2F'));
    }
    answer = () => ({ body: { active: true, sub: 'alice', aud: 'tools' } });
    assert.equal(await show('t'), 'oidc:alice');
    assert.deepEqual(authenticator.problems!(), []);
  });

  test('of callers who were let in are asked about again however many strangers come, and all at once', async () => {
    const held = Promise.withResolvers<void>();
    const callers = Array.from({ length: 40 }, (_, index) => `caller-${index}`);
    for (const each of callers) assert.equal(await show(each), 'oidc:alice');
    clock.forwardMs(31_000);
    asked = [];
    answer = () => held.promise.then(() => ({ body: { active: true, sub: 'alice', aud: 'tools' } }));
    const strangers = Array.from({ length: 16 }, (_, index) => show(`stranger-${index}`));
    await waitFor('the questions', () => asked.length === 16);
    const again = callers.map(show);
    assert.equal(await show('one-more'), 'keys-unavailable');
    held.resolve();
    assert.deepEqual(new Set(await Promise.all([...strangers, ...again])), new Set(['oidc:alice']));
  });

  test('are asked about sixteen at a time; what comes on top of that gets 503', async () => {
    const held = Promise.withResolvers<void>();
    answer = () => held.promise.then(() => ({ body: { active: true, sub: 'alice', aud: 'tools' } }));
    const first = Array.from({ length: 16 }, (_, index) => show(`t${index}`));
    await waitFor('the questions', () => asked.length === 16);
    assert.equal(await show('one-more'), 'keys-unavailable');
    held.resolve();
    assert.deepEqual(new Set(await Promise.all(first)), new Set(['oidc:alice']));
  });

  test('are no longer than 12 KiB', async () => {
    assert.equal(await show('x'.repeat(12 * 1024 + 1)), 'credentials-invalid');
    assert.equal(asked.length, 0);
  });
});
