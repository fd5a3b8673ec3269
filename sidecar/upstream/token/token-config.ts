/** The part of the configuration for a server that wants a token of each request. */
import * as z from 'zod';
import { providerUrl } from '../../outbound/provider-url.ts';

/** RFC 6749 section 3.3. */
export const tokenScope = z
  .string()
  .max(2_048)
  .regex(/^[!-~]+( [!-~]+)*$/, 'is words of visible ASCII with one space between');
export const tokenAudience = z.string().regex(/^[!-~]{1,512}$/, 'is up to 512 printable ASCII characters');
const MAX_AUDIENCES = 16;

/** @param mounted the grammar of a directory that is followed */
export const upstreamToken = <T extends z.ZodType>(mounted: T) =>
  z
    .strictObject({
      /**
       * `exchange`: each caller's own, given for the caller's (RFC 8693); `client-credentials`: the proxy's own (RFC 6749
       * section 4.4); `caller`: the one that the caller has brought.
       */
      mode: z.enum(['exchange', 'client-credentials', 'caller']),
      /** The token endpoint. */
      url: providerUrl.optional(),
      /** The directory holds `client_id` and `client_secret`. */
      client: mounted.optional(),
      /** How the client proves itself (RFC 6749 section 2.3.1). */
      clientAuth: z.enum(['basic', 'post']).default('basic'),
      audience: z.array(tokenAudience).min(1).max(MAX_AUDIENCES).optional(),
      /** RFC 8707. */
      resource: z.url().optional(),
      scope: tokenScope.optional(),
    })
    .refine(
      ({ url, client }) => (url === undefined) === (client === undefined),
      'names url and client, or neither',
    )
    .refine(({ mode, url }) => mode === 'caller' || url !== undefined, 'names url, unless mode is caller');

export type UpstreamTokenConfig = z.infer<
  ReturnType<typeof upstreamToken<z.ZodObject<{ source: z.ZodString; directory: z.ZodString }>>>
>;

/** What one field cannot say alone. */
export function tokenFault(
  {
    token,
    host,
    tls,
  }: { token?: UpstreamTokenConfig | undefined; host?: string | undefined; tls?: object | undefined },
  auth: readonly { readonly mode: string }[],
): { readonly at: string; readonly message: string } | undefined {
  if (!token || token.mode === 'client-credentials') return undefined;
  if (auth.every(({ mode }) => mode === 'mtls'))
    return {
      at: 'token.mode',
      message: `${token.mode} needs callers who bring a token: auth kubernetes, oidc or token`,
    };
  if (token.mode === 'caller' && (host === undefined || !tls))
    return { at: 'token.mode', message: 'caller is for a server elsewhere over https alone' };
  return undefined;
}
