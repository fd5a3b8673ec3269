/** The few requests of the distribution specification that reading an image's configuration takes. */
import { createHash } from 'node:crypto';
import { CliError } from '../errors.ts';
import type { Credentials } from './credentials.ts';
import { answerInWords, causeOf, nextOf } from './faults.ts';
import { apiHost, type ImageReference } from './reference.ts';

export interface RegistryOptions {
  /** http instead of https. */
  readonly plainHttp: boolean;
  readonly credentials?: Credentials | undefined;
  readonly signal?: AbortSignal;
  /** What can be done where nothing can be read; for messages. */
  readonly otherwise: string;
}

export interface Document {
  readonly body: Record<string, unknown>;
  readonly mediaType: string;
  readonly digest: string;
}

const TIMEOUT_MS = 15_000;
/** Of a manifest and of a configuration; larger ones are not those of images that run. */
const MAX_BYTES = 4 * 1024 * 1024;

const MANIFESTS = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

export interface RegistryClient {
  /** @throws {CliError} that names the image and the cause. */
  readonly manifest: (target: string) => Promise<Document>;
  readonly blob: (digest: string) => Promise<Document>;
}

/** @param image as the pod has it, for messages. */
export function createRegistryClient(
  image: string,
  reference: ImageReference,
  options: RegistryOptions,
): RegistryClient {
  const origin = `${options.plainHttp ? 'http' : 'https'}://${apiHost(reference.registry)}`;
  const fault = (what: string, next: string, cause?: unknown): CliError =>
    new CliError(`the entry point of image ${image} is not known: ${what}\n${next}`, { cause });
  let authorization: string | undefined;

  const ask = async (
    url: string,
    headers: Record<string, string>,
    init: RequestInit = {},
  ): Promise<Response> => {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
    try {
      return await fetch(url, { ...init, headers, signal });
    } catch (error) {
      throw fault(
        `registry ${reference.registry} cannot be reached: ${causeOf(error, TIMEOUT_MS)}`,
        nextOf(error, options.otherwise),
        error,
      );
    }
  };

  async function get(path: string, accept: string): Promise<Response> {
    const url = `${origin}/v2/${reference.repository}/${path}`;
    const asked = () => ask(url, { accept, ...(authorization !== undefined && { authorization }) });
    const first = await asked();
    if (first.status !== 401 || authorization !== undefined) return first;
    await first.body?.cancel();
    authorization = await authorize(first.headers.get('www-authenticate') ?? '');
    return authorization === undefined ? first : asked();
  }

  /** RFC 7235 challenge → the header that answers it; nothing where no credentials are there that could. */
  async function authorize(challenge: string): Promise<string | undefined> {
    const { credentials } = options;
    const basic =
      credentials && 'username' in credentials
        ? `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`
        : undefined;
    if (!/^bearer\s/i.test(challenge)) return basic;
    const parameters = Object.fromEntries(
      [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', value = '']) => [
        key.toLowerCase(),
        value,
      ]),
    );
    const { realm = '', service = '', scope = `repository:${reference.repository}:pull` } = parameters;
    if (!URL.canParse(realm) || !/^https?:$/.test(new URL(realm).protocol)) return basic;
    // A password never goes unencrypted to a server that a registry behind TLS names.
    if (!options.plainHttp && new URL(realm).protocol === 'http:') return undefined;
    const query = new URLSearchParams({ ...(service && { service }), scope });
    const response =
      credentials && 'refreshToken' in credentials
        ? await ask(
            realm,
            { 'content-type': 'application/x-www-form-urlencoded' },
            {
              method: 'POST',
              body: new URLSearchParams({
                grant_type: 'refresh_token',
                refresh_token: credentials.refreshToken,
                client_id: 'kubectl-mcp',
                service,
                scope,
              }),
            },
          )
        : await ask(`${realm}${realm.includes('?') ? '&' : '?'}${query}`, {
            ...(basic !== undefined && { authorization: basic }),
          });
    if (!response.ok) return undefined;
    const { token, access_token: access } = (await response.json().catch(() => ({}))) as Record<
      string,
      unknown
    >;
    const found = [token, access].find((each) => typeof each === 'string');
    return found === undefined ? undefined : `Bearer ${found}`;
  }

  async function documentOf(response: Response, digest: string | undefined, what: string): Promise<Document> {
    if (!response.ok) {
      const code = await errorCode(response);
      throw fault(
        ...answerInWords(response.status, code, {
          image,
          reference,
          credentials: options.credentials,
          otherwise: options.otherwise,
          what,
        }),
      );
    }
    const bytes = await boundedBytes(response);
    const actual = `sha256:${createHash('sha256')
      .update(bytes ?? '')
      .digest('hex')}`;
    if (!bytes) throw fault(`${what} is larger than ${MAX_BYTES} bytes`, options.otherwise);
    if (digest !== undefined && digest !== actual) {
      throw fault(`${what} is not what its digest ${digest} says`, 'Ask who runs the registry');
    }
    const body = parsed(bytes);
    if (!body) throw fault(`${what} is no JSON object`, 'Is it an image? Ask who runs the registry');
    const mediaType = body['mediaType'] ?? response.headers.get('content-type')?.split(';')[0];
    return { body, mediaType: String(mediaType ?? ''), digest: actual };
  }

  return {
    manifest: async (target) =>
      documentOf(
        await get(`manifests/${target}`, MANIFESTS.join(', ')),
        target.startsWith('sha256:') ? target : undefined,
        'its manifest',
      ),
    blob: async (digest) => documentOf(await get(`blobs/${digest}`, '*/*'), digest, 'its configuration'),
  };
}

async function errorCode(response: Response): Promise<string> {
  const bytes = await boundedBytes(response).catch(() => undefined);
  const [first] = (bytes && (parsed(bytes)?.['errors'] as { code?: unknown }[] | undefined)) || [];
  return typeof first?.code === 'string' && /^[A-Z_]{1,64}$/.test(first.code) ? first.code : '';
}

async function boundedBytes(response: Response): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parsed(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
