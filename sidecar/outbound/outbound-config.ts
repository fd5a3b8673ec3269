/** The part of the configuration for requests of the sidecar's own, to identity providers and token endpoints. */
import * as z from 'zod';
import { upstreamProxy } from '../upstream/upstream-proxy.ts';

/** @param mounted the grammar of a directory that is followed */
export const outbound = <T extends z.ZodType>(mounted: T) =>
  z.strictObject({
    /** `ca.crt` of the directory, besides those that this machine trusts. */
    authorities: mounted.optional(),
    proxy: z
      .strictObject({
        /** For https and for http. */
        https: upstreamProxy.optional(),
        http: upstreamProxy.optional(),
        /** As in NO_PROXY. */
        except: z.string().max(8_192).optional(),
      })
      .optional(),
  });

export type OutboundConfig = z.infer<
  ReturnType<typeof outbound<z.ZodObject<{ source: z.ZodString; directory: z.ZodString }>>>
>;
