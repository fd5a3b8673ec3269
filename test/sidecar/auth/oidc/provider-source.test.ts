import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createProviderSource, type ProviderSource } from '../../../../sidecar/auth/oidc/provider-source.ts';
import { createOutbound, type Outbound } from '../../../../sidecar/outbound/outbound.ts';
import { createSigningKey } from '../fake-cluster.ts';
import { waitFor } from '../../wire/wait-for.ts';
import { createMovedClock, type MovedClock } from './moved-clock.ts';

const key = await createSigningKey('k1');
const other = await createSigningKey('k2');

const problemOf = (followed: ProviderSource) => waitFor('the problem', () => followed.problem());

describe('a provider that is followed', () => {
  let server: Server;
  let issuer: string;
  let outbound: Outbound;
  let clock: MovedClock;
  let source: ProviderSource | undefined;
  /** By path; a number is a status. */
  let pages: Record<string, unknown>;
  let asked: string[];
  let events: { event: string; [field: string]: unknown }[];

  before(async () => {
    server = createServer((request, response) => {
      const path = request.url ?? '';
      asked.push(path);
      const page = pages[path] ?? 404;
      if (typeof page === 'number') response.writeHead(page, { location: `${issuer}/elsewhere` }).end();
      else response.end(typeof page === 'string' ? page : JSON.stringify(page));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    outbound = await createOutbound({}, () => undefined);
  });
  after(() => {
    outbound.close();
    server.close();
  });
  beforeEach(() => {
    clock = createMovedClock();
    asked = [];
    events = [];
    pages = {
      '/.well-known/openid-configuration': { issuer, jwks_uri: `${issuer}/jwks` },
      '/jwks': { keys: [key.jwk] },
    };
  });
  afterEach(() => source?.close());

  function follow(config: Partial<Parameters<typeof createProviderSource>[0]> = {}): ProviderSource {
    source = createProviderSource(
      { issuer, ...config },
      {
        outbound: () => Promise.resolve(outbound),
        log: (event, fields) => void events.push({ event, ...fields }),
        clock,
      },
    );
    return source;
  }
  const fails = async (): Promise<void> => {
    const soFar = asked.length;
    await waitFor('the next time', () => asked.length >= soFar + 2);
    await delay(20);
  };
  const loaded = async (config = {}): Promise<ProviderSource> => {
    const followed = follow(config);
    await waitFor('the keys', () => followed.current());
    return followed;
  };

  test('says the same thing with the same object, and another with another', async () => {
    const followed = await loaded();
    const first = followed.current();
    clock.forwardMs(6_000);
    assert.equal(await followed.refresh(), first);
    pages['/jwks'] = { keys: [other.jwk] };
    clock.forwardMs(6_000);
    assert.notEqual(await followed.refresh(), first);
    assert.equal(events.filter(({ event }) => event === 'oidc_provider_read').length, 2);
  });

  test('is asked every ten minutes, and about unknown keys every five seconds at most', async () => {
    const followed = await loaded();
    assert.equal(asked.length, 2);
    for (let time = 0; time < 100; time++) await followed.refresh();
    assert.equal(asked.length, 2);
    clock.forwardMs(5_001);
    await Promise.all(Array.from({ length: 100 }, () => followed.refresh()));
    assert.equal(asked.length, 4);
    clock.forwardMs(600_001);
    await waitFor('the next time', () => asked.length === 6);
  });

  test('is read where RFC 8414 has it, too', async () => {
    const realm = `${issuer}/realms/main`;
    pages = {
      '/.well-known/oauth-authorization-server/realms/main': { issuer: realm, jwks_uri: `${issuer}/jwks` },
      '/jwks': { keys: [key.jwk] },
    };
    await loaded({ issuer: realm });
    assert.deepEqual(asked, [
      '/realms/main/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server/realms/main',
      '/jwks',
    ]);
  });

  test('may have no document, where it is said where its keys are', async () => {
    pages = { '/keys?v=1': { keys: [key.jwk] } };
    await loaded({ jwksUrl: `${issuer}/keys?v=1` });
    assert.deepEqual(asked, ['/keys?v=1']);
  });

  for (const [what, page, says] of [
    ['is of another issuer', { issuer: 'https://other.example.com' }, /they must be equal to the letter/],
    ['is no JSON', '<html>', /openid-configuration is not JSON/],
    ['names no keys', () => ({ issuer }), /names no jwks_uri/],
    ['is too large', 'x'.repeat(1_100_000), /the answer is over 1048576 bytes/],
  ] as const)
    test(`whose document ${what} is not used`, async () => {
      pages['/.well-known/openid-configuration'] = typeof page === 'function' ? page() : page;
      const followed = follow();
      assert.match(await problemOf(followed), says);
      assert.equal(followed.current(), undefined);
    });

  for (const [what, page, says] of [
    ['lead elsewhere', 302, /\/jwks answered 302/],
    ['are not there', 500, /\/jwks answered 500/],
    ['are no list', { keys: {} }, /\/jwks is no JSON Web Key Set/],
    ['are texts', { keys: ['a'] }, /\/jwks is no JSON Web Key Set/],
  ] as const)
    test(`whose keys ${what} is not used`, async () => {
      pages['/jwks'] = page;
      const followed = follow();
      assert.match(await problemOf(followed), says);
      assert.equal(followed.current(), undefined);
      assert.ok(!asked.includes('/elsewhere'));
    });

  test('that is away is used for a day as it was, and no longer; what is wrong is logged once', async () => {
    const followed = await loaded();
    const first = followed.current();
    pages['/jwks'] = 503;
    for (const hours of [1, 10, 12]) {
      clock.forwardMs(hours * 3_600_000);
      await fails();
      assert.equal(followed.current(), first, `${hours} hours later`);
      assert.match(followed.problem()!, /answered 503 \(what it said at 20.* stays in use\)$/);
    }
    clock.forwardMs(2 * 3_600_000);
    await fails();
    assert.equal(followed.current(), undefined);
    assert.match(followed.problem()!, /answered 503$/);
    pages['/jwks'] = { keys: [key.jwk] };
    clock.forwardMs(30_000);
    await waitFor('its keys', () => followed.current());
    assert.equal(followed.problem(), undefined);
    assert.deepEqual(
      events.map(({ event, in_use: inUse }) => (inUse === undefined ? event : `${event} ${String(inUse)}`)),
      [
        'oidc_provider_read',
        'oidc_provider_unanswered true',
        'oidc_provider_unanswered false',
        'oidc_provider_read',
      ],
    );
  });

  test('whose list of keys is empty has none', async () => {
    const followed = await loaded();
    pages['/jwks'] = { keys: [] };
    clock.forwardMs(6_000);
    const provider = await followed.refresh();
    await assert.rejects(
      async () => provider!.find!({ alg: 'RS256', kid: 'k1' }, { payload: '', signature: '' }),
      { code: 'ERR_JWKS_NO_MATCHING_KEY' },
    );
  });
});
