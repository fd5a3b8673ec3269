/**
 * Reads the files of a mounted directory as one version.
 *
 * Secrets, ConfigMaps and what the Secrets Store CSI driver mounts are written by the kubelet's atomic writer
 * (kubernetes/pkg/volume/util/atomic_writer.go): `..data` leads to the directory of a version, and is renamed over when
 * the next one is complete. Other writers (Vault Agent, a script) put files side by side, and each changes by itself.
 */
import { hash } from 'node:crypto';
import { basename, dirname } from 'node:path';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
} from 'node:fs';
import { MOUNT } from '../mounts.ts';

export interface DirectoryVersion {
  /** By name; bookkeeping of the writers is left out. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** SHA-256 over names and contents. */
  readonly digest: string;
  /** Whether the writer swaps whole versions; else files may be of different ages, or half written. */
  readonly atomic: boolean;
}

/** `problem` says what is wrong with the directory, for the owner of the pod: it names files, never contents. */
export type DirectoryReading = DirectoryVersion | { readonly problem: string };

/** A Secret or ConfigMap holds a mebibyte at most. */
const MAX_BYTES = 1024 * 1024;
const MOUNTS = dirname(MOUNT.tokens);
const MAX_FILES = 10_000;
/** The kubelet swaps once a minute; more than this while one version is read is no kubelet. */
const MAX_ATTEMPTS = 10;

export function readDirectory(directory: string): DirectoryReading {
  try {
    const root = rootOf(directory);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const before = currentVersion(root);
      const files = readFiles(root, before);
      if (files && currentVersion(root) === before)
        return { files, digest: digestOf(files), atomic: before !== undefined };
    }
    return { problem: 'changes while it is read, or holds a link to nothing' };
  } catch (error) {
    return { problem: inWords(error as NodeJS.ErrnoException, directory) };
  }
}

function inWords({ code, message, path }: NodeJS.ErrnoException, directory: string): string {
  if (!code) return message;
  if (path === undefined || path === directory)
    return code === 'ENOENT' ? 'is not there' : `cannot be read: ${code}`;
  // Most often: written for another user, and the proxy is not root.
  return `${JSON.stringify(basename(path).slice(0, 80))} cannot be read: ${code}`;
}

/** Whoever else writes to the volume could lead a link to the proxy's own secrets: none is followed below the mounts. */
function rootOf(directory: string): string {
  if (!lstatSync(directory).isDirectory()) throw new Error('is not a directory');
  const root = realpathSync(directory);
  if (
    directory.startsWith(`${MOUNTS}/`) &&
    root !== `${realpathSync(MOUNTS)}${directory.slice(MOUNTS.length)}`
  )
    throw new Error('lies behind a link');
  return root;
}

/** Name of the directory that `..data` leads to. */
function currentVersion(root: string): string | undefined {
  try {
    return readlinkSync(`${root}/..data`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Undefined when a file was gone before it was read: then there is another version, or will be. */
function readFiles(root: string, version: string | undefined): Map<string, Buffer> | undefined {
  const files = new Map<string, Buffer>();
  let size = 0;
  try {
    const from = version === undefined ? root : `${root}/${version}`;
    // `..` is the kubelet's; a dot is what other writers begin their temporary files with, but may begin a Secret's key.
    const hidden = version === undefined ? '.' : '..';
    const names = readdirSync(from).filter((name) => !name.startsWith(hidden));
    if (names.length > MAX_FILES) throw new Error(`holds more than ${MAX_FILES} files`);
    for (const name of names.toSorted()) {
      const content = readRegularFile(root, from, name, MAX_BYTES - size);
      if (!content) continue;
      size += content.length;
      files.set(name, content);
    }
    return files;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Undefined for a directory. What blocks when it is read (FIFOs), and what lies elsewhere, is a fault. */
function readRegularFile(root: string, from: string, name: string, maxBytes: number): Buffer | undefined {
  const fd = openSync(`${from}/${name}`, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) return undefined;
    const shown = JSON.stringify(name.slice(0, 80));
    if (!stat.isFile()) throw new Error(`${shown} is not a regular file`);
    // After it was opened, so that nobody can lead it elsewhere in between.
    if (!readlinkSync(`/proc/self/fd/${fd}`).startsWith(`${root}/`))
      throw new Error(`${shown} is a link that leads out of the volume`);
    if (stat.size > maxBytes) throw new Error(`holds more than ${MAX_BYTES} bytes`);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** For people and `/health`: enough of a digest to tell versions apart. */
export const revisionOf = (digest: string): string => digest.slice(0, 16);

/** @param files sorted by name */
export const digestOf = (files: ReadonlyMap<string, Buffer>): string =>
  hash(
    'sha256',
    JSON.stringify([...files].map(([name, content]) => [name, hash('sha256', content, 'base64url')])),
    'base64url',
  );
