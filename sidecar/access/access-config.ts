/** What the sidecar is told of `authorization: kubernetes`. */
import * as z from 'zod';
import { directory, MOUNT } from '../mounts.ts';

export const accessReviews = z.strictObject({
  mode: z.literal('kubernetes'),
  directory: directory.default(MOUNT.kubernetes),
  /** How long an answer is taken for true: a binding that is taken away is in force until then. */
  cacheAllowedSeconds: z.int().min(0).max(3_600).default(30),
  cacheDeniedSeconds: z.int().min(0).max(3_600).default(10),
});

export type AccessConfig = z.infer<typeof accessReviews>;
