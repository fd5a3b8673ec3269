/** Who may read an image: what `docker login` or `podman login` has left on this machine. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CliError } from '../errors.ts';
import { credentialKeys, type ImageReference } from './reference.ts';

export type Credentials =
  | { readonly username: string; readonly password: string; readonly from: string }
  /** A token that is changed for others at the registry's token server (OAuth 2). */
  | { readonly refreshToken: string; readonly from: string };

interface Entry {
  readonly auth?: unknown;
  readonly username?: unknown;
  readonly password?: unknown;
  readonly identitytoken?: unknown;
}
/** `~/.docker/config.json`, and what a Secret of type kubernetes.io/dockerconfigjson holds. */
export interface DockerConfig {
  readonly auths?: Readonly<Record<string, Entry>>;
  readonly credHelpers?: Readonly<Record<string, unknown>>;
  readonly credsStore?: unknown;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Files in the order in which docker, podman and the like look; the first that has something for the image counts. */
const filesOf = (env: Environment): string[] => [
  ...(env['REGISTRY_AUTH_FILE'] ? [env['REGISTRY_AUTH_FILE']] : []),
  join(env['DOCKER_CONFIG'] ?? join(env['HOME'] ?? homedir(), '.docker'), 'config.json'),
  ...(env['XDG_RUNTIME_DIR'] ? [join(env['XDG_RUNTIME_DIR'], 'containers/auth.json')] : []),
];

/** @throws {CliError} for a file that cannot be read or a helper that fails; a file that is not there has nothing. */
export async function localCredentials(
  image: ImageReference,
  env: Environment,
): Promise<Credentials | undefined> {
  for (const file of filesOf(env)) {
    const config = await readConfig(file);
    const found = config && (await fromHelper(config, image, env, file));
    if (found) return found;
    const written = config && credentialsIn(config, image, file);
    if (written) return written;
  }
  return undefined;
}

/** What a document itself holds for the image. @param from names it, for messages. */
export function credentialsIn(
  { auths = {} }: DockerConfig,
  image: ImageReference,
  from: string,
): Credentials | undefined {
  const wanted = credentialKeys(image);
  const byPlace = new Map(Object.entries(auths).map(([key, entry]) => [placeOf(key), entry]));
  const entry = wanted.map((key) => byPlace.get(placeOf(key))).find((each) => each !== undefined);
  if (!entry) return undefined;
  if (typeof entry.identitytoken === 'string' && entry.identitytoken !== '') {
    return { refreshToken: entry.identitytoken, from };
  }
  if (typeof entry.auth === 'string' && entry.auth !== '') {
    const text = Buffer.from(entry.auth, 'base64').toString('utf8').replace(/\0+$/, '');
    const colon = text.indexOf(':');
    return colon < 0 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1), from };
  }
  const { username, password } = entry;
  return typeof username === 'string' && typeof password === 'string'
    ? { username, password, from }
    : undefined;
}

/** `https://host/v1/` is the host. */
const placeOf = (key: string): string => key.replace(/^https?:\/\//, '').replace(/\/(v[12]\/?)?$/, '');

async function readConfig(file: string): Promise<DockerConfig | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw new CliError(`credentials of registries cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return parseConfig(text, file);
}

/** @throws {CliError} when it is no such document. */
export function parseConfig(text: string, from: string): DockerConfig {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Its content is secret: not even where the fault stands is told.
  }
  throw new CliError(
    `${from} holds no credentials of registries as docker login writes them\nMend it, or log in again`,
  );
}

async function fromHelper(
  { credHelpers = {}, credsStore }: DockerConfig,
  image: ImageReference,
  env: Environment,
  file: string,
): Promise<Credentials | undefined> {
  const hosts = credentialKeys(image).filter((key) => !key.includes(`${image.registry}/`));
  const special = hosts.find((key) => typeof credHelpers[key] === 'string');
  const name = special === undefined ? credsStore : credHelpers[special];
  if (typeof name !== 'string' || !/^[\w.-]+$/.test(name)) return undefined;
  const server = image.registry === 'docker.io' ? 'https://index.docker.io/v1/' : image.registry;
  const program = `docker-credential-${name}`;
  const { stdout, error } = await run(program, special ?? server, env);
  if (error) {
    // What every helper says of a registry that it knows nothing of, on stdout.
    if (/credentials not found/i.test(stdout)) return undefined;
    throw new CliError(
      `${program}, which ${file} names for ${image.registry}, failed: ${error.message.split('\n')[0]}\nRun docker login ${image.registry}, or mend the helper`,
      { cause: error },
    );
  }
  const answer = parseConfig(stdout, `the answer of ${program}`) as { Username?: unknown; Secret?: unknown };
  if (typeof answer.Secret !== 'string' || answer.Secret === '') return undefined;
  if (answer.Username === '<token>') return { refreshToken: answer.Secret, from: program };
  return { username: String(answer.Username ?? ''), password: answer.Secret, from: program };
}

const HELPER_TIMEOUT_MS = 30_000;

/** The protocol of docker-credential-helpers: the server on stdin, JSON on stdout. */
const run = (program: string, input: string, env: Environment) =>
  new Promise<{ stdout: string; error: Error | null }>((resolve) => {
    const options = { env: env as NodeJS.ProcessEnv, timeout: HELPER_TIMEOUT_MS };
    const child = execFile(program, ['get'], options, (error, stdout) => resolve({ stdout, error }));
    // One that cannot be started, or does not read, has told so.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
