import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { claimAt, judgeClaims } from '../../../../sidecar/auth/oidc/claims.ts';
import type { Principal } from '../../../../sidecar/principal.ts';

type Config = Parameters<typeof judgeClaims>[1];
const CONFIG: Config = { issuer: 'https://id.example.com', nameClaim: 'sub', groupsClaim: 'groups' };
const judge = (claims: object, config: Partial<Config> = {}) =>
  judgeClaims(claims as Record<string, unknown>, { ...CONFIG, ...config });
const admitted = (claims: object, config: Partial<Config> = {}): Principal => {
  const verdict = judge(claims, config);
  if ('reason' in verdict) throw new Error(JSON.stringify(verdict));
  return verdict;
};
const refusedWith = (claims: object, config: Partial<Config> = {}) => {
  const verdict = judge(claims, config);
  return 'reason' in verdict ? [verdict.reason, verdict.detail] : verdict.name;
};

describe('a claim by its path', () => {
  const claims = {
    realm_access: { roles: ['a'] },
    'https://example.com/roles': ['b'],
    'a.b': 1,
    a: { b: 2 },
    list: [{ x: 1 }],
  };
  for (const [path, value] of [
    ['realm_access.roles', ['a']],
    ['https://example.com/roles', ['b']],
    ['a.b', 1],
    ['a', { b: 2 }],
    ['realm_access.none', undefined],
    ['list.0', undefined],
    ['list.length', undefined],
    ['a.b.c', undefined],
    ['__proto__', undefined],
    ['constructor.name', undefined],
    ['a.__proto__', undefined],
    ['', undefined],
  ] as const)
    test(`${JSON.stringify(path)} is ${JSON.stringify(value)}`, () => {
      assert.deepEqual(claimAt(claims, path), value);
    });
});

describe('who a token is for', () => {
  test('all that a policy sees of it', () => {
    const { digest: _, ...seen } = admitted(
      {
        sub: 'alice',
        groups: 'staff',
        act: { sub: 'agent', act: { sub: 'planner' } },
        scope: 'a b',
        scp: ['b', 'c'],
        tenant: 't1',
        level: 3,
        isBot: false,
        regions: ['eu'],
        nested: { deep: { x: 'y' } },
        others: [1],
        secret: 's',
      },
      { claims: ['tenant', 'level', 'isBot', 'regions', 'nested.deep.x', 'nested', 'others', 'absent'] },
    );
    assert.deepEqual(seen, {
      kind: 'oidc',
      issuer: 'https://id.example.com',
      name: 'oidc:alice',
      groups: ['oidc:staff'],
      actors: ['oidc:agent', 'oidc:planner'],
      scopes: ['a', 'b', 'c'],
      claims: { tenant: 't1', level: 3, isBot: false, regions: ['eu'], 'nested.deep.x': 'y' },
    });
  });

  test('a claim that is called like what every object has is one of the token alone', () => {
    const { claims } = admitted({ sub: 'a', ['__proto__']: 'x' }, { claims: ['__proto__', 'toString'] });
    assert.deepEqual(Object.entries(claims!), [['__proto__', 'x']]);
    assert.equal(Object.getPrototypeOf(claims), Object.prototype);
  });

  for (const [what, sub] of Object.entries({
    nothing: undefined,
    'an empty text': '',
    'a number': 7,
    'a list': ['alice'],
    'a line end': 'alice\nroot',
    'half a character': 'alice\ud800',
    'a very long text': 'x'.repeat(513),
  }))
    test(`${what} is no name`, () => {
      assert.deepEqual(refusedWith({ sub }), [
        'credentials-invalid',
        'the token\'s claim "sub" names nobody',
      ]);
    });

  test('an e-mail address is one when it is not said to be unverified', () => {
    const nameClaim = 'email';
    const email = 'alice@example.com';
    assert.equal(refusedWith({ email, email_verified: true }, { nameClaim }), 'oidc:alice@example.com');
    assert.equal(refusedWith({ email }, { nameClaim }), 'oidc:alice@example.com');
    for (const verified of [false, 'false', 'true', null])
      assert.deepEqual(refusedWith({ email, email_verified: verified }, { nameClaim }), [
        'credentials-invalid',
        'the e-mail address in the token is not verified',
      ]);
  });

  for (const groups of [[1], ['a', ''], { a: 1 }, 7, null, ['a\0'], [['a']]])
    test(`groups that are ${JSON.stringify(groups)} are not read as none`, () => {
      assert.deepEqual(refusedWith({ sub: 'a', groups }), [
        'credentials-invalid',
        'the token\'s claim "groups" is no list of groups',
      ]);
    });

  for (const act of ['agent', {}, { sub: 7 }, null, { sub: 'a', act: { iss: 'x' } }])
    test(`an actor that is ${JSON.stringify(act)} is nobody`, () => {
      assert.deepEqual(refusedWith({ sub: 'a', act }), [
        'credentials-invalid',
        'the token\'s claim "act" names nobody',
      ]);
    });

  test('groups that may call are those of the provider, without the prefix', () => {
    const allowGroups = ['staff', 'oidc:odd'];
    assert.equal(refusedWith({ sub: 'a', groups: ['x', 'staff'] }, { allowGroups }), 'oidc:a');
    for (const groups of [[], ['oidc:staff'], ['Staff'], ['odd']])
      assert.deepEqual(refusedWith({ sub: 'a', groups }, { allowGroups }), [
        'principal-forbidden',
        'oidc:a is in none of the groups that may call',
      ]);
  });

  test('required scopes are all required', () => {
    const requiredScopes = ['a', 'b'];
    assert.equal(refusedWith({ sub: 'a', scope: 'c b a' }, { requiredScopes }), 'oidc:a');
    for (const scope of [undefined, 'a', 'ab', 'A B', 7])
      assert.equal(refusedWith({ sub: 'a', scope }, { requiredScopes })[0], 'scope-insufficient');
  });
});
