/** From a client certificate to an authority. Pure. */
import type { X509Certificate } from 'node:crypto';

export interface CertificatePath {
  /** Within which all of its certificates are good. */
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface ClientAuthorities {
  readonly roots: readonly X509Certificate[];
  /** Below them. */
  readonly others: readonly X509Certificate[];
}

const MAX_LENGTH = 8;

/** Undefined where no chain could end: Node's TLS trusts what has signed itself, and nothing below it alone. */
export function authoritiesIn(certificates: readonly X509Certificate[]): ClientAuthorities | undefined {
  const roots = certificates.filter((each) => hasIssued(each, each));
  return roots.length === 0
    ? undefined
    : { roots, others: certificates.filter((each) => !roots.includes(each)) };
}

/**
 * Whether one of the authorities is at the end of what was presented. The handshake has verified the chain with all its
 * rules (OpenSSL), against the authorities of that time; this says whether it ends at one of those that are trusted now,
 * signature by signature. An authority that was issued anew with the same name and key is the same (RFC 5280 section
 * 6.1.1: a trust anchor is a name and a key).
 */
export function pathTo(
  { roots, others: known }: ClientAuthorities,
  presented: readonly X509Certificate[],
): CertificatePath | undefined {
  const [leaf, ...sent] = presented;
  if (!leaf) return undefined;
  const others = [...sent, ...known];
  const path = [leaf];
  for (let last = leaf; path.length <= MAX_LENGTH;) {
    const anchor = roots.find((each) => each.raw.equals(last.raw) || hasIssued(each, last));
    if (anchor) return within([...path, anchor]);
    const next = others.find((each) => each.ca && !path.includes(each) && hasIssued(each, last));
    if (!next) return undefined;
    path.push(next);
    last = next;
  }
  return undefined;
}

const hasIssued = (issuer: X509Certificate, certificate: X509Certificate): boolean =>
  certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);

const within = (path: readonly X509Certificate[]): CertificatePath => ({
  fromMs: Math.max(...path.map(({ validFromDate }) => validFromDate.getTime())),
  untilMs: Math.min(...path.map(({ validToDate }) => validToDate.getTime())),
});
