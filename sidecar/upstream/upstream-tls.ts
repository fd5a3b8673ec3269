/** The part of the configuration for servers over TLS. */
import * as z from 'zod';
import type { HttpUpstream } from '../config.ts';
import type { Log } from '../log.ts';
import type { TlsOpener } from './tls-opener.ts';

/** @param mounted the grammar of a directory that is followed */
export const upstreamTls = <T extends z.ZodType>(mounted: T) =>
  z.strictObject({
    /** `ca.crt` of the directory; those that this machine trusts unless given. */
    certificateAuthority: mounted.optional(),
    /** In place of the host: the name that is asked for (SNI) and verified. */
    serverName: z
      .string()
      .regex(/^[A-Za-z0-9.-]{1,253}$/, 'is a host name')
      .optional(),
    insecureSkipVerify: z.boolean().default(false),
  });

export async function openTls(
  target: Pick<HttpUpstream, 'host' | 'port' | 'tls' | 'proxy'>,
  log: Log,
): Promise<TlsOpener | undefined> {
  if (!target.tls) return undefined;
  const { createTlsOpener } = await import('./tls-opener.ts');
  return createTlsOpener({ ...target, tls: target.tls }, log);
}
