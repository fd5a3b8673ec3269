/** Writes an OCI image archive from directories: no build engine, no registry, the same bytes for the same files. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { settleModes } from './modes.ts';

export type Layer = { digest: string; diffId: string; size: number; unpackedSize: number; file: string };

export type ImageConfig = {
  User?: string;
  Env?: readonly string[];
  Entrypoint?: readonly string[];
  Cmd?: readonly string[];
  WorkingDir?: string;
  ExposedPorts?: Readonly<Record<string, object>>;
  Labels?: Readonly<Record<string, string>>;
};

export type Image = { architecture: string; layers: readonly Layer[]; config: ImageConfig };

const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar+gzip';
const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';

/** Order, owner and times of the files are fixed, so that the digest depends on content and mode alone. */
const tar = (directory: string): Buffer =>
  execFileSync(
    'tar',
    [
      '--sort=name',
      '--owner=0',
      '--group=0',
      '--numeric-owner',
      '--mtime=@0',
      '--format=gnu',
      '--no-xattrs',
      '-C',
      directory,
      '-c',
      '.',
    ],
    { maxBuffer: 1024 * 1024 * 1024, env: { ...process.env, LC_ALL: 'C' } },
  );

/** Compressed into `cache`, and taken from there when the same tar was compressed before. */
export function layerOf(directory: string, cache: string): Layer {
  const unpacked = tar(directory);
  const diffId = digestOf(unpacked);
  const file = join(cache, `${diffId.slice('sha256:'.length)}.tar.gz`);
  mkdirSync(cache, { recursive: true });
  if (!existsSync(file)) writeFileSync(file, gzipSync(unpacked));
  const packed = readFileSync(file);
  return { digest: digestOf(packed), diffId, size: packed.length, unpackedSize: unpacked.length, file };
}

type Descriptor = { mediaType: string; digest: string; size: number };
type Put = (mediaType: string, content: Buffer) => Descriptor;

/** One image as such, several as an index of platforms. */
export function writeArchive(
  out: string,
  name: string,
  images: readonly Image[],
): { digest: string; size: number } {
  const directory = mkdtempSync(join(tmpdir(), 'oci-'));
  const blobs = join(directory, 'blobs', 'sha256');
  mkdirSync(blobs, { recursive: true });
  const put: Put = (mediaType, content) => {
    const digest = digestOf(content);
    writeFileSync(join(blobs, digest.slice('sha256:'.length)), content);
    return { mediaType, digest, size: content.length };
  };
  try {
    const manifests = images.map((image) => putImage(image, put));
    const top =
      manifests.length === 1
        ? manifests[0]!
        : put(INDEX_TYPE, json({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests }));
    // containerd reads the first annotation, podman and skopeo the second.
    const annotations = { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name };
    const entry = { ...top, annotations };
    writeFileSync(join(directory, 'index.json'), json({ schemaVersion: 2, manifests: [entry] }));
    writeFileSync(join(directory, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }));
    settleModes(directory);
    const archive = tar(directory);
    // Whole or not at all: another run may be loading it.
    writeFileSync(`${out}.new`, archive);
    renameSync(`${out}.new`, out);
    return { digest: top.digest, size: archive.length };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function putImage({ architecture, layers, config }: Image, put: Put): Descriptor {
  const platform = { architecture, os: 'linux' };
  const image = {
    created: createdAt(process.env['SOURCE_DATE_EPOCH']),
    ...platform,
    config,
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffId) },
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: put(CONFIG_TYPE, json(image)),
    layers: layers.map(({ file }) => put(LAYER_TYPE, readFileSync(file))),
  };
  return { ...put(MANIFEST_TYPE, json(manifest)), platform } as Descriptor;
}

/** https://reproducible-builds.org/specs/source-date-epoch; the files keep 1970, for a layer that did not change. */
function createdAt(epochSeconds = '0'): string {
  if (!/^\d{1,11}$/.test(epochSeconds))
    throw new Error(`SOURCE_DATE_EPOCH is no number of seconds: ${epochSeconds}`);
  return new Date(Number(epochSeconds) * 1000).toISOString().replace('.000Z', 'Z');
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const digestOf = (content: Buffer): string => `sha256:${createHash('sha256').update(content).digest('hex')}`;
