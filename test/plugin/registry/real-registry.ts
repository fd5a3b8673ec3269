/** Debian's docker-registry on the loopback, and images pushed into it as the distribution specification says. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { installPackages, missingPackages } from '../../../manifests/packages.ts';
import { freePorts } from '../../conformance/ports.ts';

export const USER = { username: 'reader', password: 'secret' } as const;
/** bcrypt of the password, the one form that the registry takes. */
const HTPASSWD = `${USER.username}:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n`;
const BASIC = `Basic ${Buffer.from(`${USER.username}:${USER.password}`).toString('base64')}`;

export interface Start {
  readonly Entrypoint?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
}

export interface Registry {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** @returns its digest */
  readonly push: (repository: string, tag: string, start: Start) => Promise<string>;
  /** One manifest for each platform, and one of an attestation beside them. */
  readonly pushIndex: (repository: string, tag: string, starts: Record<string, Start>) => Promise<string>;
  /** The one image of an OCI archive. */
  readonly pushArchive: (repository: string, tag: string, file: string) => Promise<string>;
  readonly stop: () => Promise<void>;
}

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';

export async function startRegistry({ isPrivate }: { isPrivate: boolean }): Promise<Registry> {
  installPackages(missingPackages({ 'docker-registry': '/usr/bin/docker-registry' }));
  const directory = mkdtempSync(join(tmpdir(), 'registry-'));
  const [port] = await freePorts(1);
  const host = `127.0.0.1:${port}`;
  writeFileSync(join(directory, 'htpasswd'), HTPASSWD);
  const config = {
    version: '0.1',
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: join(directory, 'data') } },
    http: { addr: host, secret: 'one of one' },
    ...(isPrivate && { auth: { htpasswd: { realm: 'tests', path: join(directory, 'htpasswd') } } }),
  };
  writeFileSync(join(directory, 'config.yml'), JSON.stringify(config));
  const child = spawn('docker-registry', ['serve', join(directory, 'config.yml')], { stdio: 'ignore' });
  const ask = async (path: string, init: RequestInit): Promise<Response> => {
    const response = await fetch(`http://${host}/v2/${path}`, {
      ...init,
      headers: { ...(init.headers as Record<string, string>), authorization: BASIC },
    });
    if (!response.ok) throw new Error(`${init.method} ${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  await untilServing(child, ask);
  return {
    host,
    ...pusher(ask),
    stop: async () => {
      child.kill();
      await once(child, 'close');
      rmSync(directory, { recursive: true });
    },
  };
}

type Descriptor = { mediaType: string; digest: string };
type Described = { manifests?: Descriptor[]; config?: Descriptor; layers?: Descriptor[] };
type Ask = (path: string, init: RequestInit) => Promise<Response>;

async function untilServing(child: ChildProcess, ask: Ask): Promise<void> {
  while (child.exitCode === null) {
    const response = await ask('', { method: 'GET' }).catch(() => undefined);
    if (response) return;
    await sleep(50);
  }
  throw new Error(`docker-registry ended with code ${child.exitCode}`);
}

function pusher(ask: Ask) {
  const blob = async (repository: string, mediaType: string, content: Buffer) => {
    const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    const { headers } = await ask(`${repository}/blobs/uploads/`, { method: 'POST' });
    const { pathname, searchParams } = new URL(headers.get('location') ?? '', 'http://x');
    searchParams.set('digest', digest);
    const path = `${pathname.replace(/^\/v2\//, '')}?${searchParams}`;
    const body = new Uint8Array(content);
    await ask(path, { method: 'PUT', body, headers: { 'content-type': 'application/octet-stream' } });
    return { mediaType, digest, size: content.length };
  };
  const manifest = async (repository: string, target: string | undefined, body: { mediaType: string }) => {
    const text = JSON.stringify(body);
    const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
    const headers = { 'content-type': body.mediaType };
    await ask(`${repository}/manifests/${target ?? digest}`, { method: 'PUT', body: text, headers });
    return { mediaType: body.mediaType, digest, size: Buffer.byteLength(text) };
  };
  const image = async (repository: string, target: string | undefined, start: Start) => {
    const config = Buffer.from(JSON.stringify({ os: 'linux', rootfs: { type: 'layers' }, config: start }));
    return manifest(repository, target, {
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: await blob(repository, CONFIG, config),
      layers: [await blob(repository, LAYER, Buffer.from('no layer'))],
    } as { mediaType: string });
  };
  return {
    pushArchive: async (repository: string, tag: string, file: string) => {
      const unpacked = mkdtempSync(join(tmpdir(), 'archive-'));
      execFileSync('tar', ['-xf', file, '-C', unpacked]);
      const read = (digest: string): Buffer =>
        readFileSync(join(unpacked, 'blobs/sha256', digest.slice('sha256:'.length)));
      const index = JSON.parse(readFileSync(join(unpacked, 'index.json'), 'utf8')) as Described;
      const [top] = index.manifests!;
      const body = JSON.parse(read(top!.digest).toString()) as Described;
      for (const { mediaType, digest } of [body.config!, ...body.layers!])
        await blob(repository, mediaType, read(digest));
      rmSync(unpacked, { recursive: true });
      return (await manifest(repository, tag, { ...body, mediaType: top!.mediaType })).digest;
    },
    push: async (repository: string, tag: string, start: Start) =>
      (await image(repository, tag, start)).digest,
    pushIndex: async (repository: string, tag: string, starts: Record<string, Start>) => {
      const manifests: object[] = [];
      for (const [name, start] of Object.entries(starts)) {
        const [os, architecture] = name.split('/');
        manifests.push({ ...(await image(repository, undefined, start)), platform: { os, architecture } });
      }
      const attestation = await image(repository, undefined, { Cmd: ['attested'] });
      manifests.push({ ...attestation, platform: { os: 'unknown', architecture: 'unknown' } });
      const body = { schemaVersion: 2, mediaType: INDEX, manifests };
      return (await manifest(repository, tag, body)).digest;
    },
  };
}
