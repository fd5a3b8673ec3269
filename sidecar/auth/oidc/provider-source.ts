/** The keys and the introspection endpoint of an OpenID provider, followed while it rotates its keys and when it is away. */
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import type { Log } from '../../log.ts';
import type { Outbound } from '../../outbound/outbound.ts';
import type { Clock } from './clock.ts';
import { jsonObject, metadataUrls, readMetadata, type ProviderMetadata } from './metadata.ts';
import type { OidcAuth } from './oidc-config.ts';

/** The same object as long as the provider says the same. */
export interface Provider {
  /** Undefined: it signs nothing that could be verified here. */
  readonly find?: JWTVerifyGetKey;
  readonly introspectionUrl?: string;
}

export interface ProviderSource {
  current(): Provider | undefined;
  /** Asks the provider again, at most every few seconds: anyone can send a token of an unknown key. */
  refresh(): Promise<Provider | undefined>;
  /** Why the provider's last answer is none; calls go on as long as there is a `current`. */
  problem(): string | undefined;
  close(): void;
}

const REFRESH_MS = 10 * 60_000;
const MIN_REFRESH_MS = 5_000;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 30_000;
/** How long keys stay in use while the provider is away: whoever keeps it away must not keep a stolen key good for ever. */
const MAX_AGE_MS = 24 * 60 * 60_000;

/** Loads in the background, at once and then every ten minutes. */
export function createProviderSource(
  { issuer, jwksUrl, introspection }: Pick<OidcAuth, 'issuer' | 'jwksUrl' | 'introspection'>,
  { outbound, log, clock }: { outbound: () => Promise<Outbound>; log: Log; clock: Clock },
): ProviderSource {
  let provider: Provider | undefined;
  let problem: string | undefined;
  let loading: Promise<Provider | undefined> | undefined;
  let askedMs = -Infinity;
  let answeredMs = 0;
  let retryMs = FIRST_RETRY_MS;
  let cancel: (() => void) | undefined;
  let closed = false;
  /** What `provider` was made of. */
  let source = '';

  async function load(): Promise<Provider | undefined> {
    askedMs = clock.now();
    try {
      const { request } = await outbound();
      const get = async (url: string): Promise<Buffer> => {
        const { status, body } = await request({ url, headers: { accept: ACCEPTED } });
        if (status !== 200) throw new AnswerError(`${url} answered ${status}`);
        return body;
      };
      const metadata = {
        ...(jwksUrl === undefined || introspection ? await discover(issuer, get) : {}),
        ...(jwksUrl && { jwksUrl }),
      };
      const keys = metadata.jwksUrl ? readKeys(await get(metadata.jwksUrl), metadata.jwksUrl) : undefined;
      take(metadata, keys);
    } catch (error) {
      unanswered((error as Error).message);
    }
    schedule(problem ? retryMs : REFRESH_MS);
    return provider;
  }

  function take({ introspectionUrl }: ProviderMetadata, keys: JSONWebKeySet | undefined): void {
    if (!keys && !introspection) throw new Error(`${issuer} names no jwks_uri`);
    if (introspection && !introspectionUrl) throw new Error(`${issuer} names no introspection_endpoint`);
    const text = JSON.stringify([introspectionUrl, keys]);
    if (text !== source || !provider) {
      provider = {
        ...(keys && { find: createLocalJWKSet(keys) }),
        ...(introspectionUrl && { introspectionUrl }),
      };
      log('oidc_provider_read', { issuer, keys: keys?.keys.length ?? 0 });
    }
    source = text;
    problem = undefined;
    answeredMs = clock.now();
    retryMs = FIRST_RETRY_MS;
  }

  function unanswered(words: string): void {
    if (provider && clock.now() - answeredMs > MAX_AGE_MS) provider = undefined;
    const before = problem;
    const meanwhile = provider ? ` (what it said at ${new Date(answeredMs).toISOString()} stays in use)` : '';
    problem = `the OpenID provider ${issuer} cannot be asked: ${words}${meanwhile}`;
    if (problem !== before) log('oidc_provider_unanswered', { issuer, error: words, in_use: !!provider });
    retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
  }

  function start(): Promise<Provider | undefined> {
    loading ??= load().finally(() => (loading = undefined));
    return loading;
  }

  function schedule(delayMs: number): void {
    cancel?.();
    if (!closed) cancel = clock.later(delayMs, () => void start());
  }

  void start();
  return {
    current: () => provider,
    refresh: () => loading ?? (clock.now() - askedMs < MIN_REFRESH_MS ? Promise.resolve(provider) : start()),
    problem: () => problem,
    close() {
      closed = true;
      cancel?.();
    },
  };
}

const ACCEPTED = 'application/json, application/jwk-set+json';

/** The provider is there, and this is not. */
class AnswerError extends Error {}

async function discover(issuer: string, get: (url: string) => Promise<Buffer>): Promise<ProviderMetadata> {
  const missed: string[] = [];
  for (const url of metadataUrls(issuer)) {
    try {
      return readMetadata(await get(url), issuer, url);
    } catch (error) {
      if (!(error instanceof AnswerError)) throw error;
      missed.push(error.message);
    }
  }
  throw new Error(missed.join(', '));
}

/** An empty list is the provider's word too: it takes every key away. */
function readKeys(body: Buffer, where: string): JSONWebKeySet {
  const { keys } = jsonObject(body, where);
  if (!Array.isArray(keys) || keys.some((each) => typeof each !== 'object' || each === null))
    throw new Error(`${where} is no JSON Web Key Set`);
  return { keys };
}
