/** Stands for the API server: discovery documents over TLS with a CA of its own, as Kubernetes 1.34 serves them, and service-account tokens. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { REVIEW_PATH } from '../../../sidecar/auth/token-reviews.ts';
import { currentCertificates } from '../../../webhook/certificates.ts';

export const ISSUER = 'https://kubernetes.default.svc.cluster.local';
export const AUDIENCE = 'https://everything.ns.mcp.kubectl-mcp.dev';
const SIDECAR_TOKEN = 'token-of-the-sidecar';

export interface SigningKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  readonly jwk: JWK;
}

export interface FakeCluster {
  readonly apiServer: { readonly host: string; readonly port: number };
  /** With `token` and `ca.crt`, as the webhook projects it. */
  readonly directory: string;
  /** What the key set holds. */
  keys: JWK[];
  issuer: string;
  /** Answers with this status instead, when set. */
  status: number | undefined;
  /** What is answered to a TokenReview: a status of HTTP, or the review's. */
  review: (spec: { readonly token: string; readonly audiences?: readonly string[] }) => number | object;
  /** How often the key set was asked for. */
  readonly asked: () => number;
  stop(): Promise<void>;
}

export async function createSigningKey(kid: string, algorithm = 'RS256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  return {
    kid,
    privateKey,
    publicKey,
    jwk: { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' },
  };
}

export async function startFakeCluster(keys: readonly SigningKey[]): Promise<FakeCluster> {
  const certificates = await currentCertificates({}, 'localhost', new Date());
  let asked = 0;
  const documents: Record<string, () => [type: string, body: unknown]> = {
    '/.well-known/openid-configuration': () => [
      'application/json',
      { issuer: cluster.issuer, jwks_uri: 'https://elsewhere/' },
    ],
    '/openid/v1/jwks': () => (asked++, ['application/jwk-set+json', { keys: cluster.keys }]),
  };
  const https = createServer(
    { key: certificates['tls.key'], cert: certificates['tls.crt'] },
    async (request, response) => {
      if (request.method === 'POST') return answerReview(cluster, request, response);
      const document = documents[request.url ?? ''];
      const [type, body] = document?.() ?? ['text/plain', ''];
      const status =
        cluster.status ??
        (!document
          ? 404
          : request.headers.authorization !== `Bearer ${SIDECAR_TOKEN}`
            ? 401
            : request.headers.accept?.includes(type)
              ? 200
              : 406);
      response.writeHead(status, { 'content-type': type }).end(status === 200 ? JSON.stringify(body) : 'no');
    },
  );
  https.listen(0, 'localhost');
  await once(https, 'listening');
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-test-'));
  writeFileSync(join(directory, 'token'), `${SIDECAR_TOKEN}\n`);
  writeFileSync(join(directory, 'ca.crt'), certificates['ca.crt']);
  const cluster: FakeCluster = {
    apiServer: { host: 'localhost', port: (https.address() as AddressInfo).port },
    directory,
    keys: keys.map((each) => each.jwk),
    issuer: ISSUER,
    status: undefined,
    review: () => 403,
    asked: () => asked,
    stop: async () => {
      https.closeAllConnections();
      https.close();
      await once(https, 'close');
      rmSync(directory, { recursive: true });
    },
  };
  return cluster;
}

async function answerReview(
  cluster: FakeCluster,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { spec } = (await json(request)) as { spec: Parameters<FakeCluster['review']>[0] };
  const isAsked = request.url === REVIEW_PATH && request.headers.authorization === `Bearer ${SIDECAR_TOKEN}`;
  const status = cluster.status ?? (isAsked ? cluster.review(spec) : 404);
  response
    .writeHead(typeof status === 'number' ? status : 201, { 'content-type': 'application/json' })
    .end(JSON.stringify(typeof status === 'number' ? { message: 'no' } : { status }));
}

/** A token as TokenRequest gives it, of service account `ns/caller`, with what is different. */
export function mintToken(
  key: SigningKey,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  const nowS = Math.floor(Date.now() / 1000);
  return new SignJWT({
    iss: ISSUER,
    aud: [AUDIENCE],
    sub: 'system:serviceaccount:ns:caller',
    iat: nowS,
    nbf: nowS,
    exp: nowS + 3600,
    'kubernetes.io': { namespace: 'ns', serviceaccount: { name: 'caller', uid: 'u' } },
    ...claims,
  })
    .setProtectedHeader({ alg: key.jwk.alg ?? 'RS256', kid: key.kid, ...header })
    .sign(key.privateKey);
}
