/** What the sidecar is told of callers with client certificates. */
import * as z from 'zod';
import { directory, MOUNT, sourceName } from '../../mounts.ts';

/** Of a certificate's name, without the prefix: printable ASCII but for the comma; `*` and `?` stand for others. */
export const CERTIFICATE_GLOB = /^[!-+\--~]{1,256}$/;

export const mtlsAuth = z.strictObject({
  mode: z.literal('mtls'),
  /** Of `ca.crt`; is the principal's issuer too. */
  source: sourceName,
  directory: directory.default(MOUNT.clientAuthority),
  /** Globs of names; absent: every certificate of these authorities. */
  allow: z
    .array(z.string().regex(CERTIFICATE_GLOB, 'is printable ASCII without spaces and commas'))
    .min(1)
    .optional(),
});

export type MtlsAuth = z.infer<typeof mtlsAuth>;
