/** What an image starts, by its configuration in the registry. */
import { isDeepStrictEqual } from 'node:util';
import { CliError } from '../errors.ts';
import { parseReference } from './reference.ts';
import {
  createRegistryClient,
  type Document,
  type RegistryClient,
  type RegistryOptions,
} from './registry-client.ts';
import type { ImageReference } from './reference.ts';

export interface EntryPoint {
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  /** Of what the name stands for: the index where there is one. */
  readonly digest: string;
}

/** More are not asked one by one. */
const MAX_PLATFORMS = 16;

/** @throws {CliError} that names image, cause and what to do. */
export async function readEntryPoint(image: string, options: RegistryOptions): Promise<EntryPoint> {
  const reference = referenceOf(image);
  const client = createRegistryClient(image, reference, options);
  const top = await client.manifest(reference.target);
  const fault = (what: string, next = options.otherwise): CliError =>
    new CliError(`the entry point of image ${image} is not known: ${what}\n${next}`);
  const manifests = await manifestsOf(top, client, fault);
  const starts: Start[] = [];
  for (const each of manifests) starts.push(await startOf(each, client, fault));
  const [first] = starts;
  if (!first) throw fault('it has nothing for Linux');
  if (!starts.every((each) => isDeepStrictEqual(each, first))) {
    const list = manifests.map(({ platform }, index) => `  ${platform}: ${JSON.stringify(starts[index])}`);
    throw fault(`it starts something else on each platform:\n${list.join('\n')}`);
  }
  if (first.entrypoint.length + first.cmd.length === 0) {
    throw fault('it has neither an ENTRYPOINT nor a CMD', options.otherwise);
  }
  return { ...first, digest: top.digest };
}

/** @throws {CliError} for what is no name of an image. */
export function referenceOf(image: string): ImageReference {
  const reference = parseReference(image);
  if (!reference) throw new CliError(`"${image}" is no name of an image\nMend it in the pod template`);
  return reference;
}

type Fault = (what: string, next?: string) => CliError;
type Manifest = { readonly document: Document; readonly platform: string };
type Start = { readonly entrypoint: readonly string[]; readonly cmd: readonly string[] };

/** Of an index all for Linux: a Deployment's nodes may be of several kinds. */
async function manifestsOf(top: Document, client: RegistryClient, fault: Fault): Promise<Manifest[]> {
  const { manifests } = top.body;
  if (!Array.isArray(manifests)) return [{ document: top, platform: 'linux' }];
  // Attestations stand among them as of platform unknown/unknown.
  const linux = (manifests as Descriptor[]).filter(
    ({ platform, digest }) => platform?.os === 'linux' && typeof digest === 'string',
  );
  if (linux.length > MAX_PLATFORMS) throw fault(`it has ${linux.length} platforms`);
  const found: Manifest[] = [];
  for (const { digest, platform } of linux) {
    const name = ['os', 'architecture', 'variant'].flatMap((key) => platform?.[key] ?? []).join('/');
    found.push({ document: await client.manifest(digest), platform: name });
  }
  return found;
}

type Descriptor = { readonly digest: string; readonly platform?: Readonly<Record<string, string>> };

async function startOf({ document }: Manifest, client: RegistryClient, fault: Fault): Promise<Start> {
  const config = document.body['config'] as { digest?: unknown } | undefined;
  if (typeof config?.digest !== 'string') {
    throw fault(
      `its manifest is of the type ${document.mediaType || 'unknown'}, which names no configuration`,
    );
  }
  const { body } = await client.blob(config.digest);
  const { Entrypoint: entrypoint, Cmd: cmd } = (body['config'] ?? {}) as Record<string, unknown>;
  const words = (value: unknown): string[] => {
    if (value === undefined || value === null) return [];
    if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
    throw fault('its configuration is not one of an image that can be started');
  };
  return { entrypoint: words(entrypoint), cmd: words(cmd) };
}
