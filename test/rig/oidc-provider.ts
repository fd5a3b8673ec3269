/**
 * A real OpenID provider for tests (`oidc-provider`): discovery, client credentials, authorization code with PKCE and
 * dynamic registration, JWT access tokens for a resource (RFC 8707, RFC 9068), opaque ones, introspection. It is stopped,
 * started and given other keys at the same address.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { exportJWK, generateKeyPair, importJWK, type JWK, type JWTPayload, SignJWT } from 'jose';
import { type ClientMetadata, Provider } from 'oidc-provider';
import { configurationOf, finishInteraction, SECRET } from './oidc-configuration.ts';

export interface ProviderOptions {
  readonly port?: number;
  /** What it binds, and what stands in its issuer; 127.0.0.1 unless given. */
  readonly host?: string;
  readonly tls?: { readonly 'tls.crt': string; readonly 'tls.key': string };
  /** Of the access tokens; 600 unless given. */
  readonly ttlSeconds?: number;
  readonly clients?: readonly ClientMetadata[];
  /** Called with each that is made: for further grants. */
  readonly extend?: (provider: Provider, keys: readonly JWK[]) => void;
}

export interface TestProvider {
  readonly issuer: string;
  /** Put into each access token from now on; what is the provider's own stays. */
  claims: Record<string, unknown>;
  /** Who signs in: nobody asks for a password. */
  account: string;
  /** Of the last start. */
  readonly keys: readonly JWK[];
  /** Paths that were asked for. */
  readonly asked: string[];
  /** By client credentials. @param client `agent`: a JWT; `opaque-agent`: a random text. */
  token(request?: TokenRequest): Promise<string>;
  /** By authorization code with PKCE, as the user of `account`. */
  signIn(request?: TokenRequest): Promise<{ access_token: string; id_token: string; refresh_token?: string }>;
  /** As a browser would: follows redirects, keeps cookies, and ends at the first address that is not the provider's. */
  browse(url: string | URL): Promise<URL>;
  /** As the provider signs, of whatever is given. */
  sign(payload: JWTPayload, header?: Record<string, unknown>): Promise<string>;
  revoke(token: string): Promise<void>;
  stop(): Promise<void>;
  /** At the same address. @param rotate with other keys */
  start(options?: { rotate?: 'replace' | 'add' }): Promise<void>;
}

export interface TokenRequest {
  readonly client?: 'agent' | 'opaque-agent';
  /** The audience; null: none. */
  readonly resource?: string | null;
  readonly scope?: string;
}

export const RESOURCE = 'https://everything.example.com/mcp';
const REDIRECT = 'http://127.0.0.1/callback';

export async function startProvider(options: ProviderOptions = {}): Promise<TestProvider> {
  const { host = '127.0.0.1', tls } = options;
  let handler: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  let keys: JWK[] = [];
  const asked: string[] = [];
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    asked.push(request.url ?? '');
    handler?.(request, response);
  };
  let server = newServer();
  await listen(options.port ?? 0);
  const { port } = server.address() as { port: number };
  const issuer = `${tls ? 'https' : 'http'}://${host}:${port}`;
  const state: Pick<TestProvider, 'claims' | 'account'> = { claims: {}, account: 'alice' };

  function newServer() {
    return tls
      ? createTlsServer({ cert: tls['tls.crt'], key: tls['tls.key'] }, listener)
      : createServer(listener);
  }

  async function listen(at: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(at, host, resolve);
    });
  }

  async function provide(rotate?: 'replace' | 'add'): Promise<void> {
    if (keys.length === 0 || rotate) keys = [await newKey(), ...(rotate === 'add' ? keys : [])];
    const provider = new Provider(
      issuer,
      configurationOf(state, { keys, ttlSeconds: options.ttlSeconds ?? 600, clients: options.clients }),
    );
    options.extend?.(provider, keys);
    const callback = provider.callback();
    handler = (request, response) => {
      if (request.url?.startsWith('/interaction/'))
        void finishInteraction(provider, request, response, state.account);
      else void callback(request, response);
    };
  }

  const post = async (path: string, body: Record<string, string>, client?: string): Promise<Response> =>
    fetch(issuer + path, {
      method: 'POST',
      headers: client ? { authorization: `Basic ${btoa(`${client}:${SECRET}`)}` } : {},
      body: new URLSearchParams(body),
    });

  const provider: TestProvider = Object.assign(state, {
    issuer,
    keys,
    asked,
    async token({ client = 'agent', resource = RESOURCE, scope = 'mcp:tools' }: TokenRequest = {}) {
      const answer = await post(
        '/token',
        { grant_type: 'client_credentials', ...(resource ? { resource, scope } : {}) },
        client,
      );
      return tokensOf(answer).then(({ access_token }) => access_token);
    },
    async signIn({ resource = RESOURCE, scope = 'openid offline_access mcp:tools' }: TokenRequest = {}) {
      const verifier = randomBytes(32).toString('base64url');
      const query = new URLSearchParams({
        response_type: 'code',
        client_id: 'browser',
        redirect_uri: REDIRECT,
        scope,
        prompt: 'consent',
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
        ...(resource ? { resource } : {}),
      });
      const back = await provider.browse(`${issuer}/auth?${query}`);
      const code = back.searchParams.get('code');
      if (!code) throw new Error(`no code: ${back.search}`);
      const answer = await post('/token', {
        grant_type: 'authorization_code',
        client_id: 'browser',
        redirect_uri: REDIRECT,
        code,
        code_verifier: verifier,
        ...(resource ? { resource } : {}),
      });
      return tokensOf(answer);
    },
    async browse(url: string | URL) {
      const cookies = new Map<string, string>();
      let at = new URL(url);
      for (let hop = 0; hop < 20; hop++) {
        const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
        const answer = await fetch(at, { redirect: 'manual', headers: { cookie } });
        for (const line of answer.headers.getSetCookie()) {
          const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
          if (value === '') cookies.delete(name);
          else cookies.set(name, value);
        }
        const location = answer.headers.get('location');
        if (!location) throw new Error(`${at.pathname} answered ${answer.status}: ${await answer.text()}`);
        at = new URL(location, at);
        if (at.origin !== issuer) return at;
      }
      throw new Error('the redirects do not end');
    },
    async sign(payload: JWTPayload, header: Record<string, unknown> = {}) {
      const [key] = keys;
      return new SignJWT(payload)
        .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: key!.kid!, ...header })
        .sign(await importJWK(key!, 'RS256'));
    },
    async revoke(token: string) {
      await post('/token/revocation', { token }, 'opaque-agent');
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
    async start({ rotate }: { rotate?: 'replace' | 'add' } = {}) {
      await provide(rotate);
      server = newServer();
      await listen(port);
    },
  } satisfies Omit<TestProvider, 'claims' | 'account'>);
  // They change.
  Object.defineProperty(provider, 'keys', { get: () => keys });
  await provide();
  return provider;
}

async function tokensOf(answer: Response): Promise<{ access_token: string; id_token: string }> {
  if (!answer.ok) throw new Error(`the provider answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as { access_token: string; id_token: string };
}

async function newKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return {
    ...(await exportJWK(privateKey)),
    kid: randomBytes(6).toString('base64url'),
    alg: 'RS256',
    use: 'sig',
  };
}
