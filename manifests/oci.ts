/** Writes an OCI image archive from directories: no build engine, no registry, the same bytes for the same files. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

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

const EPOCH = '1970-01-01T00:00:00Z';
const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar+gzip';
const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

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
      '-C',
      directory,
      '-c',
      '.',
    ],
    { maxBuffer: 1024 * 1024 * 1024 },
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

/** Returns the size of the archive in bytes. */
export function writeArchive(
  out: string,
  name: string,
  layers: readonly Layer[],
  config: ImageConfig,
): number {
  const directory = mkdtempSync(join(tmpdir(), 'oci-'));
  const blobs = join(directory, 'blobs', 'sha256');
  mkdirSync(blobs, { recursive: true });
  const put = (content: Buffer): { digest: string; size: number } => {
    const digest = digestOf(content);
    writeFileSync(join(blobs, digest.slice('sha256:'.length)), content);
    return { digest, size: content.length };
  };
  try {
    for (const layer of layers) put(readFileSync(layer.file));
    const image = {
      created: EPOCH,
      architecture: ARCHITECTURES[process.arch] ?? process.arch,
      os: 'linux',
      config,
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffId) },
    };
    const manifest = {
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      config: { mediaType: CONFIG_TYPE, ...put(json(image)) },
      layers: layers.map(({ digest, size }) => ({ mediaType: LAYER_TYPE, digest, size })),
    };
    // containerd reads the first annotation, podman and skopeo the second.
    const annotations = { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name };
    const entry = { mediaType: MANIFEST_TYPE, ...put(json(manifest)), annotations };
    writeFileSync(join(directory, 'index.json'), json({ schemaVersion: 2, manifests: [entry] }));
    writeFileSync(join(directory, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }));
    const archive = tar(directory);
    // Whole or not at all: another run may be loading it.
    writeFileSync(`${out}.new`, archive);
    renameSync(`${out}.new`, out);
    return archive.length;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const digestOf = (content: Buffer): string => `sha256:${createHash('sha256').update(content).digest('hex')}`;
