import * as z from 'zod';
import { directory, MOUNT, sourceName } from '../mounts.ts';

/** Absent: nothing is pinned. */
export const pinsConfig = z.strictObject({
  source: sourceName,
  directory: directory.default(MOUNT.pins),
});
