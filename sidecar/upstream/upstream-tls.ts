/** The part of the configuration for servers over TLS. The webhook writes none: in a pod the server is on the loopback. */
import * as z from 'zod';
import type { HttpUpstream } from '../config.ts';
import type { Log } from '../log.ts';
import type { TlsOpener } from './tls-opener.ts';

/** @param mounted the grammar of a directory that is followed */
export const upstreamTls = <T extends z.ZodType>(mounted: T) =>
  z.strictObject({
    /** `ca.crt` of the directory; those that this machine trusts unless given. */
    certificateAuthority: mounted.optional(),
    insecureSkipVerify: z.boolean().default(false),
  });

export async function openTls(
  { host, tls }: Pick<HttpUpstream, 'host' | 'tls'>,
  log: Log,
): Promise<TlsOpener | undefined> {
  if (!tls) return undefined;
  const { createTlsOpener } = await import('./tls-opener.ts');
  return createTlsOpener({ host, tls }, log);
}
