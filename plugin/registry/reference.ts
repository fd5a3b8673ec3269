/** The name of an image as Kubernetes reads it. Pure. */

export interface ImageReference {
  /** `docker.io`, `registry.example.com:5000`. */
  readonly registry: string;
  readonly repository: string;
  /** What a manifest is asked by: a digest, else a tag. */
  readonly target: string;
  readonly digest?: string;
}

const DOCKER_HUB = 'docker.io';
/** reference.go of distribution: what has a dot, a port, capitals or is localhost stands for a host. */
const isHost = (word: string): boolean => /[.:A-Z]/.test(word) || word === 'localhost';
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*$/;

/** Undefined where it is none. */
export function parseReference(image: string): ImageReference | undefined {
  const [named = '', digest, ...more] = image.split('@');
  const slash = named.indexOf('/');
  const first = named.slice(0, Math.max(0, slash));
  const registry = isHost(first) ? first : DOCKER_HUB;
  const rest = isHost(first) ? named.slice(slash + 1) : named;
  const colon = rest.lastIndexOf(':');
  const path = colon < 0 ? rest : rest.slice(0, colon);
  const tag = colon < 0 ? 'latest' : rest.slice(colon + 1);
  const isDefault = registry === DOCKER_HUB || registry === 'index.docker.io';
  const repository = isDefault && !path.includes('/') ? `library/${path}` : path;
  const isValid =
    more.length === 0 &&
    REPOSITORY.test(repository) &&
    /^\w[\w.-]{0,127}$/.test(tag) &&
    (digest === undefined || /^sha256:[0-9a-f]{64}$/.test(digest)) &&
    /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?$/.test(registry);
  if (!isValid) return undefined;
  return {
    registry: isDefault ? DOCKER_HUB : registry,
    repository,
    target: digest ?? tag,
    ...(digest !== undefined && { digest }),
  };
}

/** Where the API of a registry is. */
export const apiHost = (registry: string): string =>
  registry === DOCKER_HUB ? 'registry-1.docker.io' : registry;

/** Names under which credentials for an image are kept, the most special first: of the repository, then of the host. */
export function credentialKeys({ registry, repository }: ImageReference): string[] {
  const parts = repository.split('/');
  const paths = parts.map((_, index) => `${registry}/${parts.slice(0, parts.length - index).join('/')}`);
  const hub = registry === DOCKER_HUB ? ['https://index.docker.io/v1/', 'index.docker.io'] : [];
  return [...paths, registry, ...hub];
}
