/** The credentials with which the sidecar asks a provider, from a Secret that is followed. */
import type { Log } from '../../log.ts';
import { sourceInWords } from '../../mounts.ts';
import type { DirectoryReading } from '../../mounted/read-directory.ts';
import { watchDirectory } from '../../mounted/watch-directory.ts';

export interface ClientSecret {
  /** The value of `Authorization`; undefined while the files are not both there. */
  authorization(): string | undefined;
  /** For the owner of the pod. */
  problem(): string | undefined;
  close(): void;
}

const FILES = ['client_id', 'client_secret'] as const;

/** client_secret_basic: both are form-encoded first (RFC 6749 section 2.3.1). */
export async function followClientSecret(
  { source, directory }: { source: string; directory: string },
  log: Log,
): Promise<ClientSecret> {
  let authorization: string | undefined;
  let problem: string | undefined;

  function take(reading: DirectoryReading): void {
    const read = 'problem' in reading ? { fault: reading.problem } : readSecret(reading.files);
    authorization = 'fault' in read ? undefined : read.authorization;
    problem = 'fault' in read ? `${sourceInWords(source)}: ${read.fault}` : undefined;
    if ('fault' in read) log('oidc_client_refused', { source, faults: [read.fault] });
    else log('oidc_client_loaded', { source });
  }

  const watched = await watchDirectory(directory, take);
  return { authorization: () => authorization, problem: () => problem, close: () => watched.close() };
}

/** Pure. */
export function readSecret(
  files: ReadonlyMap<string, Buffer>,
): { readonly authorization: string } | { readonly fault: string } {
  const [id, secret] = FILES.map((name) => files.get(name)?.toString('utf8').trim());
  if (!id || !secret) return { fault: `holds no ${id ? 'client_secret' : 'client_id'}` };
  return {
    authorization: `Basic ${Buffer.from(`${formEncoded(id)}:${formEncoded(secret)}`).toString('base64')}`,
  };
}

const formEncoded = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1);
