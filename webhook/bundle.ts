/** PEM bundles of CAs, as a webhook configuration holds them. Pure. */
import { X509Certificate } from 'node:crypto';

/** What can be read of it; a bundle that was edited by hand may hold anything. */
export const certificatesIn = (pem = ''): X509Certificate[] =>
  (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).flatMap((each) => {
    try {
      return [new X509Certificate(each)];
    } catch {
      return [];
    }
  });

/** The fingerprint of the one in the bundle by which a client of it believes this certificate. */
export function issuerIn(bundle: string, cert: string): string | undefined {
  const chain = certificatesIn(cert);
  return certificatesIn(bundle).find((ca) =>
    chain.some((each) => each.fingerprint256 === ca.fingerprint256 || isSignedBy(each, ca)),
  )?.fingerprint256;
}

export const isSignedBy = (certificate: X509Certificate, ca: X509Certificate): boolean =>
  certificate.checkIssued(ca) && certificate.verify(ca.publicKey);
