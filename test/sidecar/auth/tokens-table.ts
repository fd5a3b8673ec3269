/** Tokens of every kind, and what each is answered. */
import { createHmac } from 'node:crypto';
import { exportSPKI } from 'jose';
import { AUDIENCE, mintToken } from './fake-cluster.ts';
import { key, other } from './ask-cluster.ts';

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
export const INVALID = '401 the credentials are not valid: ';
export const now = () => Math.floor(Date.now() / 1000);
const FOREIGN = '401 the credentials are not valid: not a token of this cluster';

export const TABLE: readonly (readonly [string, () => string | Promise<string>, string])[] = [
  ['a token of this workload', () => mintToken(key), 'system:serviceaccount:ns:caller'],
  [
    'a token of several audiences',
    () => mintToken(key, { aud: ['x', AUDIENCE] }),
    'system:serviceaccount:ns:caller',
  ],
  [
    "another workload's audience",
    () => mintToken(key, { aud: ['https://other.ns.mcp.kubectl-mcp.dev'] }),
    `${INVALID}the token's claim "aud" is not the one expected here`,
  ],
  [
    "the API server's audience",
    () => mintToken(key, { aud: ['https://kubernetes.default.svc.cluster.local'] }),
    `${INVALID}the token's claim "aud" is not the one expected here`,
  ],
  [
    'no audience',
    () => mintToken(key, { aud: undefined }),
    `${INVALID}the token's claim "aud" is not the one expected here`,
  ],
  [
    'an audience that begins alike',
    () => mintToken(key, { aud: [`${AUDIENCE}.example`] }),
    `${INVALID}the token's claim "aud" is not the one expected here`,
  ],
  [
    'another namespace',
    () => mintToken(key, { sub: 'system:serviceaccount:elsewhere:caller' }),
    '403 this caller may not use this server: service account elsewhere/caller is not among the callers allowed here (ns/*)',
  ],
  [
    'a namespace that begins alike',
    () => mintToken(key, { sub: 'system:serviceaccount:ns2:caller' }),
    '403 this caller may not use this server: service account ns2/caller is not among the callers allowed here (ns/*)',
  ],
  ['an expired token', () => mintToken(key, { exp: now() - 60 }), `${INVALID}the token has expired`],
  [
    'a token that never expires',
    () => mintToken(key, { exp: undefined }),
    `${INVALID}the token's claim "exp" is not the one expected here`,
  ],
  [
    'a token of tomorrow',
    () => mintToken(key, { nbf: now() + 86_400 }),
    `${INVALID}the token's claim "nbf" is not the one expected here`,
  ],
  [
    'another issuer',
    () => mintToken(key, { iss: 'https://other.example' }),
    `${INVALID}the token's claim "iss" is not the one expected here`,
  ],
  ['a user', () => mintToken(key, { sub: 'system:admin' }), `${INVALID}not the token of a service account`],
  [
    'a service account with more colons',
    () => mintToken(key, { sub: 'system:serviceaccount:ns:a:b' }),
    `${INVALID}not the token of a service account`,
  ],
  [
    'no subject',
    () => mintToken(key, { sub: undefined }),
    `${INVALID}the token's claim "sub" is not the one expected here`,
  ],
  [
    'an unsigned token',
    async () => unsigned(await mintToken(key), 'none'),
    `${INVALID}the token is not signed with an algorithm of the cluster`,
  ],
  [
    'an unsigned token, spelt otherwise',
    async () => unsigned(await mintToken(key), 'None'),
    `${INVALID}the token is not signed with an algorithm of the cluster`,
  ],
  [
    'HS256 with the public key',
    async () => hmacSigned(await mintToken(key)),
    `${INVALID}the token is not signed with an algorithm of the cluster`,
  ],
  [
    "another key under our key's name",
    () => mintToken({ ...other, kid: key.kid }),
    `${INVALID}the token's signature is not valid`,
  ],
  [
    'a changed claim',
    async () => forged(await mintToken(key)),
    `${INVALID}the token's signature is not valid`,
  ],
  [
    'an unknown key',
    () => mintToken(other),
    `${INVALID}the token is signed with a key that the cluster does not have`,
  ],
  [
    'a key in the header',
    () => mintToken(other, {}, { kid: undefined, jwk: other.jwk }),
    `${INVALID}the token's signature is not valid`,
  ],
  ['words', () => 'secret-words', FOREIGN],
  ['dots', () => '..', FOREIGN],
  ['no JSON', () => 'YQ.YQ.YQ', FOREIGN],
  ['a very long token', () => 'a'.repeat(8_193), `${INVALID}the token is too long`],
];

function unsigned(token: string, alg: string): string {
  return `${encode({ alg, kid: key.kid })}.${token.split('.')[1]}.`;
}

async function hmacSigned(token: string): Promise<string> {
  const content = `${encode({ alg: 'HS256', kid: key.kid })}.${token.split('.')[1]}`;
  return `${content}.${createHmac('sha256', await exportSPKI(key.publicKey))
    .update(content)
    .digest('base64url')}`;
}

function forged(token: string): string {
  const [header, payload = '', signature] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  return `${header}.${encode({ ...claims, sub: 'system:serviceaccount:ns:admin' })}.${signature}`;
}
