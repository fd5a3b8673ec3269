/**
 * The cluster's issuer and signing keys, from the API server's discovery documents (OpenID Connect Discovery;
 * Kubernetes serves them to every service account through system:service-account-issuer-discovery).
 */
import { request } from 'node:https';
import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import { readDirectory } from '../mounted/read-directory.ts';
import type { IssuerKeys, IssuerSource } from './kubernetes-tokens.ts';

const REFRESH_MS = 10 * 60_000;
/** An unknown key id asks for a refresh; anyone can send one, so not more often than this. */
const MIN_REFRESH_MS = 5_000;
const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 10_000;
const TIMEOUT_MS = 5_000;
const MAX_BYTES = 1024 * 1024;

/**
 * Loads in the background, at once and then every ten minutes; the last keys stay in use while the API server is away.
 * @param apiServer host and port, from KUBERNETES_SERVICE_HOST and _PORT
 * @param directory holds `token` and `ca.crt`
 */
export function createClusterIssuer(
  apiServer: { host: string; port: number },
  directory: string,
): IssuerSource {
  let keys: IssuerKeys | undefined;
  let problem: string | undefined;
  let loading: Promise<IssuerKeys | undefined> | undefined;
  let lastLoadMs = 0;
  let retryMs = FIRST_RETRY_MS;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  /** The documents that `keys` was made of, so that equal ones keep the same object and with it the verified tokens. */
  let source = '';

  async function load(): Promise<IssuerKeys | undefined> {
    lastLoadMs = Date.now();
    try {
      const account = readAccount(directory);
      const get = (path: string) => getJson({ ...apiServer, path, ...account });
      const [discovery, jwks] = await Promise.all([
        get('/.well-known/openid-configuration'),
        get('/openid/v1/jwks'),
      ]);
      const { issuer } = discovery as { issuer?: unknown };
      if (typeof issuer !== 'string' || issuer === '')
        throw new Error('the discovery document names no issuer');
      const text = JSON.stringify([issuer, jwks]);
      if (text !== source) keys = { issuer, find: createLocalJWKSet(jwks as JSONWebKeySet) };
      source = text;
      problem = undefined;
      retryMs = FIRST_RETRY_MS;
    } catch (error) {
      problem = `the keys of the cluster cannot be read: ${(error as Error).message}`;
      retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
    }
    schedule(problem ? retryMs : REFRESH_MS);
    return keys;
  }

  function start(): Promise<IssuerKeys | undefined> {
    loading ??= load().finally(() => (loading = undefined));
    return loading;
  }

  function schedule(delayMs: number): void {
    clearTimeout(timer);
    if (!closed) timer = setTimeout(() => void start(), delayMs).unref();
  }

  void start();
  return {
    current: () => keys,
    refresh: () => loading ?? (Date.now() - lastLoadMs < MIN_REFRESH_MS ? Promise.resolve(keys) : start()),
    problem: () => problem,
    close: () => {
      closed = true;
      clearTimeout(timer);
    },
  };
}

/** Anew each time, for the kubelet renews the token, and the CA may change. @throws when they are not there */
export function readAccount(directory: string): { token: string; ca: string } {
  const reading = readDirectory(directory);
  if ('problem' in reading) throw new Error(`${directory} ${reading.problem}`);
  const [token, ca] = ['token', 'ca.crt'].map((name) => reading.files.get(name)?.toString('utf8').trim());
  if (!token || !ca) throw new Error(`${directory} holds no ${token ? 'ca.crt' : 'token'}`);
  return { token, ca };
}

function getJson(target: {
  host: string;
  port: number;
  path: string;
  token: string;
  ca: string;
}): Promise<unknown> {
  const { host, port, path, token, ca } = target;
  return new Promise((resolve, reject) => {
    // The API server (1.34) gives its keys as application/jwk-set+json alone, and answers 406 to anything else.
    const headers = {
      authorization: `Bearer ${token}`,
      accept: 'application/jwk-set+json, application/json',
    };
    const call = request({ host, port, path, ca, headers, timeout: TIMEOUT_MS, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        body += part;
        if (body.length > MAX_BYTES) call.destroy(new Error(`${path} is too large`));
      });
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode !== 200) return reject(new Error(`${path} answered ${response.statusCode}`));
        try {
          resolve(JSON.parse(body));
        } catch {
          reject(new Error(`${path} is not JSON`));
        }
      });
    });
    call.on('timeout', () => call.destroy(new Error(`${path} did not answer within ${TIMEOUT_MS} ms`)));
    call.on('error', reject);
    call.end();
  });
}
