/** `trusted-actors`: what an actor says of its user, and what nobody may. */
import assert from 'node:assert/strict';
import { createHash, createHmac, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { createAssertions } from '../../../../sidecar/auth/assertions/assertions.ts';
import { readActors } from '../../../../sidecar/auth/assertions/read-actors.ts';
import { createSeenOnce } from '../../../../sidecar/auth/assertions/seen-once.ts';
import { principal, type Principal } from '../../../../sidecar/principal.ts';
import { waitFor } from '../../wire/wait-for.ts';
import { shown } from '../ask-cluster.ts';
import { AUDIENCE, createSigningKey } from '../fake-cluster.ts';

const [planner, other] = await Promise.all([
  createSigningKey('p1', 'ES256'),
  createSigningKey('o1', 'ES256'),
]);
const jwks = (...keys: { jwk: object }[]) => JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });
const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-test-'));
const write = (name: string, text: string) => writeFileSync(join(directory, name), text);
after(() => rmSync(directory, { recursive: true }));
write('agents.planner', jwks(planner));
write('agents.other', jwks(other));

const serviceAccount = (name: string, kind: Principal['kind'] = 'kubernetes') =>
  principal({ kind, issuer: 'cluster', name, groups: [], actors: [] });
const ACTOR = serviceAccount('system:serviceaccount:agents:planner');
const BODY = Buffer.from('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pay"}}');
const sha256 = (body: Buffer) => createHash('sha256').update(body).digest('base64url');

let count = 0;
type Change = { readonly claims?: object; readonly header?: object; readonly key?: CryptoKey | KeyObject };
function sign({ claims = {}, header = {}, key = planner.privateKey }: Change = {}): Promise<string> {
  const nowS = Math.floor(Date.now() / 1000);
  return new SignJWT({
    iss: ACTOR.name,
    aud: AUDIENCE,
    sub: 'alice',
    groups: ['finance'],
    iat: nowS,
    exp: nowS + 30,
    jti: `${count++}`,
    htm: 'POST',
    bh: sha256(BODY),
    ...claims,
  })
    .setProtectedHeader({ alg: 'ES256', kid: 'p1', ...header })
    .sign(key as CryptoKey);
}

const events: string[] = [];
let revoked = 0;
const assertions = await createAssertions(
  { source: 'configmap/actors', directory, audience: AUDIENCE },
  { log: (event) => void events.push(event), revoked: () => void revoked++ },
);
after(() => assertions.close());

async function ask(text: string, { actor = ACTOR, body = BODY, method = 'POST' } = {}): Promise<string> {
  const asserted = await assertions.open(text, actor, method);
  if ('reason' in asserted) return shown(asserted);
  return shown(asserted.judgeBody(body) ?? asserted.principal);
}

const nowS = () => Math.floor(Date.now() / 1000);
const INVALID = '401 what the caller says of its user is not valid: ';
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

const HOSTILE: readonly (readonly [string, () => Promise<string>, string])[] = [
  ['expired', () => sign({ claims: { iat: nowS() - 60, exp: nowS() - 6 } }), 'it has expired'],
  [
    'without an end',
    () => sign({ claims: { exp: undefined } }),
    'its claim "exp" is missing or not the one expected here',
  ],
  ['good for an hour', () => sign({ claims: { exp: nowS() + 3600 } }), 'it is good for more than 60 s'],
  [
    'good for an hour, begun in the future',
    () => sign({ claims: { iat: nowS() + 3600, exp: nowS() + 3630 } }),
    'its claim "iat" is in the future',
  ],
  [
    'of another server',
    () => sign({ claims: { aud: 'https://other.ns.mcp.kubectl-mcp.dev' } }),
    'its claim "aud" is missing or not the one expected here',
  ],
  [
    'of several servers',
    () => sign({ claims: { aud: [AUDIENCE, 'https://other'] } }),
    'its claim "aud" names more than this server',
  ],
  [
    'of another body',
    () => sign({ claims: { bh: sha256(Buffer.from('{}')) } }),
    'its claim "bh" is not the SHA-256 of this body',
  ],
  [
    'of no body',
    () => sign({ claims: { bh: undefined } }),
    'its claim "bh" is missing or not the one expected here',
  ],
  [
    'of another method',
    () => sign({ claims: { htm: 'GET' } }),
    'its claim "htm" is not the method of the request',
  ],
  [
    'without an id',
    () => sign({ claims: { jti: undefined } }),
    'its claim "jti" is missing or not the one expected here',
  ],
  ['without a user', () => sign({ claims: { sub: '' } }), 'its claim "sub" is not of 1 to 256 characters'],
  [
    'with a user on two lines',
    () => sign({ claims: { sub: 'a\nsystem:masters' } }),
    'its claim "sub" is not of 1 to 256 characters',
  ],
  [
    'with groups that are no list',
    () => sign({ claims: { groups: 'system:masters' } }),
    'its claim "groups" is no list of at most 100 names',
  ],
  ['with the key of another actor', () => sign({ key: other.privateKey }), 'its signature is not valid'],
  [
    'with the key of another actor, under its name',
    () => sign({ key: other.privateKey, header: { kid: 'o1' } }),
    'it is signed with none of the keys of this actor',
  ],
  [
    'of another actor',
    () => sign({ claims: { iss: 'system:serviceaccount:agents:other' } }),
    `its claim "iss" is not ${ACTOR.name}`,
  ],
  [
    'unsigned',
    async () => {
      const [, payload] = (await sign()).split('.');
      return `${encode({ alg: 'none' })}.${payload}.`;
    },
    'it is not signed with an algorithm that is taken here',
  ],
  [
    'with HS256 and the public key',
    async () => {
      const [, payload] = (await sign()).split('.');
      const head = `${encode({ alg: 'HS256', kid: 'p1' })}.${payload}`;
      const mac = createHmac('sha256', await exportSPKI(planner.publicKey)).update(head);
      return `${head}.${mac.digest('base64url')}`;
    },
    'it is not signed with an algorithm that is taken here',
  ],
  [
    'with a key in its header',
    async () => sign({ key: other.privateKey, header: { jwk: other.jwk } }),
    'its signature is not valid',
  ],
  ['that is no JWT', async () => 'alice', 'it is no signed JWT'],
  ['two at once', async () => `${await sign()}, ${await sign()}`, 'it is no signed JWT'],
  ['too long', async () => 'x'.repeat(9_000), 'it is longer than 8192 characters'],
];

describe('assertions of users', () => {
  test('give the user a name behind that of the actor', async () => {
    const asserted = await assertions.open(await sign(), ACTOR, 'POST');
    assert.ok(!('reason' in asserted));
    const { kind, issuer, name, groups, actors } = asserted.principal;
    assert.deepEqual(
      { kind, issuer, name, groups, actors },
      {
        kind: 'kubernetes',
        issuer: ACTOR.name,
        name: 'agents/planner:alice',
        groups: ['agents/planner:finance'],
        actors: [ACTOR.name],
      },
    );
    assert.equal(asserted.judgeBody(BODY), undefined);
  });

  test('cannot give a name or a group that begins with system:', async () => {
    const asserted = await assertions.open(
      await sign({ claims: { sub: 'system:admin', groups: ['system:masters'] } }),
      ACTOR,
      'POST',
    );
    assert.ok(!('reason' in asserted));
    assert.equal(asserted.principal.name, 'agents/planner:system:admin');
    assert.deepEqual(asserted.principal.groups, ['agents/planner:system:masters']);
  });

  test('give the same user for the same claims of the same token, and no other', async () => {
    const userOf = async (claims: object, actor = ACTOR) => {
      const asserted = await assertions.open(await sign({ claims }), actor, 'POST');
      return 'reason' in asserted ? undefined : asserted.principal;
    };
    const alice = await userOf({ sub: 'alice' });
    assert.equal(await userOf({ sub: 'alice' }), alice);
    for (const other of [
      await userOf({ sub: 'bob' }),
      await userOf({ sub: 'alice', groups: ['staff'] }),
      await userOf({ sub: 'alice' }, serviceAccount(ACTOR.name)),
    ])
      assert.ok(other !== undefined && other !== alice);
  });

  test('are good once', async () => {
    const text = await sign();
    assert.equal(await ask(text), 'agents/planner:alice');
    assert.equal(await ask(text), `${INVALID}it has been used: each request needs one of its own`);
  });

  test('that are refused for their body may be used for it still', async () => {
    const text = await sign();
    assert.match(await ask(text, { body: Buffer.from('{}') }), /"bh" is not the SHA-256/);
    assert.equal(await ask(text), 'agents/planner:alice');
  });

  for (const [title, make, words] of HOSTILE)
    test(`are refused: ${title}`, async () => assert.equal(await ask(await make()), INVALID + words));

  test('are refused of callers who are not trusted, and of other kinds with a name like one', async () => {
    for (const actor of [
      serviceAccount('system:serviceaccount:agents:planner2'),
      serviceAccount('agents/planner'),
      serviceAccount(ACTOR.name, 'oidc'),
    ])
      assert.equal(await ask(await sign(), { actor }), '403 this caller may not speak for others');
  });

  test('are refused once the key is taken away, and their streams with them', async () => {
    const asserted = await assertions.open(await sign(), ACTOR, 'POST');
    assert.ok(!('reason' in asserted));
    assert.equal(assertions.actorOf(asserted.principal), ACTOR);
    write('agents.other', jwks(other, await createSigningKey('o2', 'RS256')));
    await waitFor('the other file', () => revoked === 1);
    assert.equal(assertions.actorOf(asserted.principal), ACTOR, 'what changed was not its own');
    write('agents.planner', 'no JSON');
    await waitFor('the fault', () => assertions.problem() !== undefined);
    assert.equal(assertions.problem(), 'ConfigMap actors: "agents.planner" is not JSON');
    assert.equal(await ask(await sign()), '403 this caller may not speak for others');
    assert.equal(assertions.actorOf(asserted.principal), undefined);
    assert.ok(events.includes('actors_refused'));
  });
});

test('what has been used is remembered until it expires, and no more than there is room for', () => {
  let nowMs = 1_000_000;
  const seen = createSeenOnce(2, () => nowMs);
  assert.deepEqual(
    [seen.use('a', '1', 1_060_000), seen.use('a', '1', 1_060_000), seen.use('b', '1', 1_060_000)],
    ['new', 'again', 'new'],
  );
  assert.equal(seen.use('a', '2', 1_065_000), 'full');
  nowMs = 1_070_000;
  assert.equal(seen.use('a', '2', 1_100_000), 'new');
  assert.equal(seen.size(), 1);
});

test('the keys of actors', async () => {
  const rsa = await generateKeyPair('RS256', { extractable: true });
  const ed = await createSigningKey('e1', 'EdDSA');
  const faultOf = (text: string, file = 'ns.name') =>
    readActors(new Map([[file, Buffer.from(text)]])).faults[0];
  assert.equal(faultOf(jwks(planner, ed), 'ns.name.with.dots'), undefined);
  assert.equal(faultOf(jwks(planner), 'name'), '"name" is not NAMESPACE.SERVICEACCOUNT');
  assert.equal(faultOf('{"keys":[]}'), '"ns.name" holds no key: it is not {"keys": […]}');
  assert.equal(faultOf('null'), '"ns.name" holds no key: it is not {"keys": […]}');
  assert.equal(faultOf('{"keys":[null]}'), '"ns.name" keys[0] is no key');
  assert.equal(
    faultOf('{"keys":[{"kty":"oct","k":"YWJj"}]}'),
    '"ns.name" keys[0] is a private or a shared key: public ones belong here',
  );
  assert.equal(
    faultOf(jwks({ jwk: await exportJWK(rsa.privateKey) })),
    '"ns.name" keys[0] is a private or a shared key: public ones belong here',
  );
  assert.equal(
    faultOf(jwks({ jwk: { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' } })),
    '"ns.name" keys[0] cannot be read',
  );
  assert.equal(
    faultOf(jwks({ jwk: { ...planner.jwk, use: 'enc' } })),
    '"ns.name" keys[0] is not for signatures',
  );
  assert.equal(faultOf(jwks(planner, planner)), '"ns.name" holds two keys with one kid, or without');
});
