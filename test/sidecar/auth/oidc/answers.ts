/**
 * The table of answers: what callers of a server with `auth: oidc, token` show, and what each is answered. Its rows are
 * in the order in which things happen to the provider; docs/authentication.md has the table.
 */
import { createHmac, createPublicKey } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWK, SignJWT, UnsecuredJWT } from 'jose';
import { RESOURCE, type TestProvider } from '../../../rig/oidc-provider.ts';

export interface World {
  readonly provider: TestProvider;
  /** Of the static tokens: `system:admin`. */
  readonly staticToken: string;
  /** Those of rows before, by their names. */
  readonly kept: Map<string, string>;
  readonly forwardMs: (ms: number) => void;
}

export interface Row {
  /** What happens first: said in the table, in a line of its own. */
  readonly before?: { readonly says: string; readonly happens: (world: World) => Promise<void> | void };
  readonly shows: string;
  readonly credential: (world: World) => Promise<string> | string;
  readonly status: number;
  /** Of the principal. */
  readonly name?: string;
  readonly groups?: readonly string[];
  /** Behind the words of the reason. */
  readonly says?: string;
  /** `error` of the challenge. */
  readonly error?: 'invalid_token' | 'insufficient_scope';
}

export const KEYS_UNAVAILABLE =
  'callers cannot be checked at the moment: there is nothing to check their tokens with';
const INVALID = 'the credentials are not valid: ';
const invalid = (says: string) => ({ status: 401, error: 'invalid_token', says: INVALID + says }) as const;
const nowS = (): number => Math.floor(Date.now() / 1000);
const claims = ({ issuer }: TestProvider, more: object = {}) => ({
  iss: issuer,
  aud: RESOURCE,
  sub: 'agent',
  scope: 'mcp:tools',
  exp: nowS() + 600,
  ...more,
});
const stranger = await generateKeyPair('RS256', { extractable: true });
const strangersKey = await exportJWK(stranger.publicKey);
const byStranger = (payload: object, header: object) =>
  new SignJWT({ ...payload }).setProtectedHeader({ alg: 'RS256', ...header }).sign(stranger.privateKey);

const keep =
  (name: string, mint: Row['credential']): Row['credential'] =>
  async (world) => {
    const token = await mint(world);
    world.kept.set(name, token);
    return token;
  };
const again =
  (name: string): Row['credential'] =>
  ({ kept }) =>
    kept.get(name) ?? '';
const agent = { status: 200, name: 'oidc:agent', groups: [] } as const;

export const ROWS: readonly Row[] = [
  {
    shows: 'an access token of the provider',
    credential: keep('token', ({ provider }) => provider.token()),
    ...agent,
  },
  {
    shows: "a user's access token, after signing in",
    credential: async ({ provider }) => (await provider.signIn()).access_token,
    status: 200,
    name: 'oidc:alice',
    groups: [],
  },
  {
    shows: 'the ID token that came with it',
    credential: async ({ provider }) => (await provider.signIn()).id_token,
    ...invalid('the token\'s claim "aud" is not the one expected here'),
  },
  {
    shows: 'an ID token for this audience, with `at_hash`',
    credential: ({ provider }) => provider.sign(claims(provider, { at_hash: 'x' }), { typ: 'JWT' }),
    ...invalid('an ID token says who has signed in; calls need an access token'),
  },
  {
    shows: 'a logout token',
    credential: ({ provider }) => provider.sign(claims(provider), { typ: 'logout+jwt' }),
    ...invalid('the token is of another type (typ)'),
  },
  {
    shows: 'a token that is bound to a key of the caller (`cnf`)',
    credential: ({ provider }) => provider.sign(claims(provider, { cnf: { jkt: 'x' } })),
    ...invalid('the token is bound to a key (cnf), which cannot be proved here'),
  },
  {
    shows: 'a token whose groups hold `system:masters`, with the name `system:admin`',
    credential: ({ provider }) =>
      provider.sign(claims(provider, { sub: 'system:admin', groups: ['system:masters', 'staff'] })),
    status: 200,
    name: 'oidc:system:admin',
    groups: ['oidc:system:masters', 'oidc:staff'],
  },
  {
    shows: 'the static token of a caller that is called `system:admin`',
    credential: ({ staticToken }) => staticToken,
    status: 200,
    name: 'token:system:admin',
    groups: [],
  },
  {
    shows: 'groups that are no list of texts',
    credential: ({ provider }) => provider.sign(claims(provider, { groups: [{ name: 'staff' }] })),
    ...invalid('the token\'s claim "groups" is no list of groups'),
  },
  {
    shows: 'groups that are elsewhere (`_claim_names`)',
    credential: ({ provider }) => provider.sign(claims(provider, { _claim_names: { groups: 'src1' } })),
    ...invalid('the token\'s claim "groups" is elsewhere, as of users with too many groups'),
  },
  {
    shows: 'a token without a required scope',
    credential: ({ provider }) => provider.sign(claims(provider, { scope: 'mcp:admin' })),
    status: 403,
    error: 'insufficient_scope',
    says: 'the token lacks a scope: it needs mcp:tools',
  },
  {
    shows: 'a token that has expired',
    credential: ({ provider }) => provider.sign(claims(provider, { exp: nowS() - 60 })),
    ...invalid('the token has expired'),
  },
  {
    shows: 'one that expired within the 30 seconds by which clocks may differ',
    credential: ({ provider }) => provider.sign(claims(provider, { exp: nowS() - 10 })),
    ...agent,
  },
  {
    shows: 'a token that is not valid yet',
    credential: ({ provider }) => provider.sign(claims(provider, { nbf: nowS() + 60 })),
    ...invalid('the token is not valid yet'),
  },
  {
    shows: 'a token that never expires',
    credential: ({ provider }) => provider.sign(claims(provider, { exp: undefined })),
    ...invalid('the token\'s claim "exp" is not the one expected here'),
  },
  {
    shows: 'a token for another server',
    credential: ({ provider }) => provider.token({ resource: 'https://other.example.com/mcp' }),
    ...invalid('the token\'s claim "aud" is not the one expected here'),
  },
  {
    shows: 'a token without audience',
    credential: ({ provider }) => provider.sign(claims(provider, { aud: undefined })),
    ...invalid('the token\'s claim "aud" is not the one expected here'),
  },
  {
    shows: 'a token of another issuer',
    credential: ({ provider }) => provider.sign(claims(provider, { iss: 'https://id.example.org' })),
    ...invalid('the token is of none of the kinds that are taken here'),
  },
  {
    shows: 'a token without a name',
    credential: ({ provider }) => provider.sign(claims(provider, { sub: undefined })),
    ...invalid('the token\'s claim "sub" names nobody'),
  },
  {
    shows: '`alg: none`',
    credential: ({ provider }) => new UnsecuredJWT(claims(provider)).encode(),
    ...invalid('the token is not signed with an algorithm that is taken here'),
  },
  {
    shows: 'HS256 with the public key of the provider as the secret',
    credential: ({ provider }) => signedWithPublicKey(provider.keys[0]!, claims(provider)),
    ...invalid('the token is not signed with an algorithm that is taken here'),
  },
  {
    shows: 'a signature of somebody else, under the name of a key of the provider',
    credential: ({ provider }) => byStranger(claims(provider), { kid: provider.keys[0]!.kid }),
    ...invalid("the token's signature is not valid"),
  },
  {
    shows: 'a signature of somebody else, with the key in the header (`jwk`)',
    credential: ({ provider }) => byStranger(claims(provider), { jwk: strangersKey }),
    ...invalid("the token's signature is not valid"),
  },
  {
    shows: 'the same with a URL of the key (`jku`) and a name that nobody knows',
    credential: ({ provider }) =>
      byStranger(claims(provider), { kid: 'mine', jku: 'https://id.example.org/jwks' }),
    ...invalid('the token is signed with a key that the provider does not have'),
  },
  {
    shows: 'a critical header (`crit`)',
    credential: ({ provider }) => withCriticalHeader(provider),
    ...invalid('the token has a header that is not known here (crit)'),
  },
  {
    shows: 'a token of more than 12 KiB',
    credential: ({ provider }) => provider.sign(claims(provider, { padding: 'x'.repeat(9_300) })),
    ...invalid('the token is too long'),
  },
  {
    shows: 'an opaque token',
    credential: keep('opaque', ({ provider }) => provider.token({ client: 'opaque-agent' })),
    status: 200,
    name: 'oidc:opaque-agent',
    groups: [],
  },
  {
    shows: 'an opaque token without audience',
    credential: ({ provider }) => provider.token({ client: 'opaque-agent', resource: null }),
    ...invalid('the token\'s claim "aud" is not the one expected here'),
  },
  {
    shows: 'a refresh token',
    credential: async ({ provider }) => (await provider.signIn()).refresh_token ?? '',
    ...invalid('the token\'s claim "aud" is not the one expected here'),
  },
  {
    shows: 'words that the provider has never given to anyone',
    credential: () => 'open-sesame',
    ...invalid('the provider does not know the token, or no longer'),
  },
  {
    before: {
      says: 'The opaque token is revoked, and half a minute passes',
      async happens({ provider, kept, forwardMs }) {
        await provider.revoke(kept.get('opaque')!);
        forwardMs(30_000);
      },
    },
    shows: 'the opaque token',
    credential: again('opaque'),
    ...invalid('the provider does not know the token, or no longer'),
  },
  {
    before: {
      says: 'The provider has a further key',
      async happens({ provider, forwardMs }) {
        await provider.stop();
        await provider.start({ rotate: 'add' });
        forwardMs(6_000);
      },
    },
    shows: 'a token of the new key',
    credential: keep('new', ({ provider }) => provider.token()),
    ...agent,
  },
  { shows: 'a token of the key before', credential: again('token'), ...agent },
  {
    before: {
      says: 'The provider has been away for five minutes',
      async happens({ provider, forwardMs }) {
        await provider.stop();
        forwardMs(300_000);
      },
    },
    shows: 'a token from before',
    credential: again('new'),
    ...agent,
  },
  {
    shows: 'a token from before that nobody has shown yet',
    credential: ({ provider }) => provider.sign(claims(provider, { jti: 'fresh' })),
    ...agent,
  },
  {
    shows: 'a token of a key that is not known',
    credential: ({ provider }) => byStranger(claims(provider), { kid: 'tomorrow' }),
    status: 503,
    says: KEYS_UNAVAILABLE,
  },
  {
    shows: 'an opaque token',
    credential: () => 'an-opaque-token-of-whomever',
    status: 503,
    says: KEYS_UNAVAILABLE,
  },
  {
    shows: 'a static token',
    credential: ({ staticToken }) => staticToken,
    status: 200,
    name: 'token:system:admin',
    groups: [],
  },
  {
    before: {
      says: 'It is back, and the keys from before are gone',
      async happens({ provider, forwardMs }) {
        await provider.start({ rotate: 'replace' });
        forwardMs(6_000);
      },
    },
    shows: 'a token of a new key',
    credential: ({ provider }) => provider.token(),
    ...agent,
  },
  {
    shows: 'a token from before',
    credential: again('new'),
    ...invalid('the token is signed with a key that the provider does not have'),
  },
];

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function signedWithPublicKey(key: JWK, payload: object): string {
  const content = `${encode({ alg: 'HS256', typ: 'at+jwt', kid: key.kid })}.${encode(payload)}`;
  const { kty, n, e } = key;
  const pem = createPublicKey({ key: { kty, n, e } as never, format: 'jwk' }).export({
    type: 'spki',
    format: 'pem',
  });
  return `${content}.${createHmac('sha256', pem).update(content).digest('base64url')}`;
}

async function withCriticalHeader(provider: TestProvider): Promise<string> {
  const token = await provider.sign(claims(provider), { kid: provider.keys[0]!.kid! });
  const [, payload, signature] = token.split('.');
  const header = {
    alg: 'RS256',
    kid: provider.keys[0]!.kid,
    crit: ['urn:example:must'],
    'urn:example:must': 1,
  };
  return `${encode(header)}.${payload}.${signature}`;
}
