/** Why a client certificate is not taken, for its holder. Pure. */
import type { TLSSocket } from 'node:tls';
import type { CertificatePath } from './certificate-path.ts';

/** By OpenSSL's codes, as Node gives them. */
const WORDS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'it, or the authority that issued it, has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet',
  INVALID_PURPOSE: 'it is not for clients (extended key usage clientAuth)',
  INVALID_CA: 'it was issued by what is no authority',
  PATH_LENGTH_EXCEEDED: 'its chain is longer than an authority allows',
  UNSUPPORTED_CERTIFICATE_PURPOSE: 'it is not for clients (extended key usage clientAuth)',
};
const UNKNOWN = 'it is of none of the authorities that are trusted here';

/** @param path with the authorities of now; undefined: it ends at none of them */
export function rejectionWords(
  { authorized, authorizationError }: Partial<Pick<TLSSocket, 'authorized' | 'authorizationError'>>,
  path: CertificatePath | undefined,
  nowMs: number,
): string {
  if (path && nowMs >= path.untilMs) return WORDS['CERT_HAS_EXPIRED']!;
  if (path && nowMs < path.fromMs) return WORDS['CERT_NOT_YET_VALID']!;
  const code = String((authorizationError as unknown as { code?: string })?.code ?? authorizationError);
  return authorized === true ? UNKNOWN : (WORDS[code] ?? UNKNOWN);
}
