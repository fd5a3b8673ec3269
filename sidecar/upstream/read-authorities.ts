import { X509Certificate } from 'node:crypto';

/** As in a Secret of type kubernetes.io/tls. */
export const AUTHORITY_FILE = 'ca.crt';
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** The certificates of the directory's `ca.crt`, in PEM. One that cannot be read and none is taken. */
export function readAuthorities(
  files: ReadonlyMap<string, Buffer>,
): { readonly certificates: readonly string[] } | { readonly faults: string[] } {
  const certificates = files.get(AUTHORITY_FILE)?.toString('latin1').match(CERTIFICATE) ?? [];
  if (certificates.length === 0) return { faults: [`${AUTHORITY_FILE} holds no certificate in PEM`] };
  return certificates.every(isCertificate)
    ? { certificates }
    : { faults: [`${AUTHORITY_FILE} holds a certificate that cannot be read`] };
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}
