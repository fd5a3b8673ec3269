/** What the sidecar is told of callers with client certificates. */
import * as z from 'zod';

export const mtlsAuth = z.strictObject({
  mode: z.literal('mtls'),
});

export type MtlsAuth = z.infer<typeof mtlsAuth>;
