/** What the webhook's Secret should hold: its own CA, its serving certificate, and the CAs that were before. */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { certificatesIn, isSignedBy } from './bundle.ts';
import { CURVE, LEAF_LIFE_MS, issueCa, issueLeaf } from './issue.ts';

/** By the keys of the Secret; PEM but for the date. */
export type CertificateData = {
  'ca.crt': string;
  /** Stays, so that a new certificate needs no new trust. */
  'ca.key': string;
  'tls.crt': string;
  'tls.key': string;
  /** Without their keys; trusted on, for replicas that serve a certificate of theirs. */
  'ca-previous.crt'?: string;
  /** RFC 3339. Then none of their certificates is valid any more, whoever may serve it. */
  'ca-previous.until'?: string;
};
export type Faults = { ca?: string; leaf?: string };

/** Two replicas whose clocks are months apart replace each other's CA at every look; the bundle must not grow with it. */
const MAX_PREVIOUS = 8;
const KEYS = ['ca.crt', 'ca.key', 'tls.crt', 'tls.key', 'ca-previous.crt', 'ca-previous.until'] as const;

/**
 * The stored data where they will do (the same object), else with what is missing or old replaced.
 * @param serving the CA of the certificate that is being served: it stays trusted, whatever became of the Secret.
 */
export async function currentCertificates(
  stored: Partial<CertificateData>,
  host: string,
  now: Date,
  serving?: string,
): Promise<CertificateData> {
  const faults = faultsOf(stored, host, now);
  const { 'ca.crt': cert = '', 'ca.key': key = '' } = stored;
  const issuer = faults.ca ? await issueCa(now) : { 'ca.crt': cert, 'ca.key': key };
  const { 'tls.crt': leaf = '', 'tls.key': leafKey = '' } = stored;
  const pair = faults.leaf ? await issueLeaf(issuer, host, now) : { 'tls.crt': leaf, 'tls.key': leafKey };
  const before = [...(faults.ca ? certificatesIn(cert) : []), ...certificatesIn(serving)];
  const next = { ...issuer, ...pair, ...previousOf(stored, issuer['ca.crt'], before, now) };
  return KEYS.every((each) => stored[each] === next[each]) ? (stored as CertificateData) : next;
}

/** The trust that belongs to the Secret: the caBundle of the webhook configuration, and nothing else decides it. */
export const bundleOf = (data: CertificateData): string => data['ca.crt'] + (data['ca-previous.crt'] ?? '');

/** Why CA and certificate are to be replaced. */
export function faultsOf(stored: Partial<CertificateData>, host: string, now: Date): Faults {
  const ca = caFault(stored, now);
  const leaf = ca === undefined ? leafFault(stored, host, now) : 'its CA is replaced';
  return { ...(ca && { ca }), ...(leaf && { leaf }) };
}

function caFault({ 'ca.crt': pem, 'ca.key': key }: Partial<CertificateData>, now: Date): string | undefined {
  const [ca] = certificatesIn(pem);
  if (!ca) return pem ? 'it cannot be read' : 'there is none';
  if (!ca.ca || !isSignedBy(ca, ca)) return 'it is no CA';
  if (ca.publicKey.asymmetricKeyDetails?.namedCurve !== CURVE) return 'its key is not of P-256';
  return isKeyOf(ca, key) ? ageFault(ca, now) : 'its key does not fit';
}

function leafFault(stored: Partial<CertificateData>, host: string, now: Date): string | undefined {
  const { 'ca.crt': pem, 'tls.crt': cert, 'tls.key': key } = stored;
  const [[ca], [leaf]] = [certificatesIn(pem), certificatesIn(cert)];
  if (!ca || !leaf) return cert ? 'it cannot be read' : 'there is none';
  if (!isKeyOf(leaf, key)) return 'its key does not fit';
  if (!isSignedBy(leaf, ca)) return 'another CA signed it';
  return leaf.checkHost(host) === undefined ? `it is not for ${host}` : ageFault(leaf, now);
}

function ageFault({ validFromDate: from, validToDate: to }: X509Certificate, now: Date): string | undefined {
  if (now < from) return 'it is not valid yet';
  if (now >= to) return 'it has expired';
  const passed = (now.getTime() - from.getTime()) / (to.getTime() - from.getTime());
  return passed >= 1 / 3 ? 'a third of its life has passed' : undefined;
}

function isKeyOf(certificate: X509Certificate, key = ''): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

/**
 * The CAs that were before, as long as a certificate of theirs can be valid. Their order stays: two replicas that
 * serve different ones must come to the same text.
 */
function previousOf(stored: Partial<CertificateData>, current: string, before: X509Certificate[], now: Date) {
  const until = new Date(stored['ca-previous.until'] ?? Number.NaN);
  const [issuer] = certificatesIn(current);
  const kept = certificatesIn(until <= now ? '' : stored['ca-previous.crt']).filter(
    (each) => each.fingerprint256 !== issuer?.fingerprint256,
  );
  const known = new Set([issuer, ...kept].map((each) => each?.fingerprint256));
  const added = before.filter((each) => !known.has(each.fingerprint256) && known.add(each.fingerprint256));
  const all = [...added, ...kept].filter((each) => each.ca && now < each.validToDate);
  if (all.length === 0) return {};
  const isSame = added.length === 0 && !Number.isNaN(until.getTime());
  return {
    'ca-previous.crt': latest(all, before).map(String).join(''),
    'ca-previous.until': isSame
      ? stored['ca-previous.until']
      : new Date(now.getTime() + LEAF_LIFE_MS).toISOString(),
  };
}

/** No more than the bundle may hold; those in use are among them. */
function latest(all: X509Certificate[], inUse: X509Certificate[]): X509Certificate[] {
  const used = new Set(inUse.map((each) => each.fingerprint256));
  const free = all.filter((each) => !used.has(each.fingerprint256));
  const dropped = new Set(free.slice(Math.max(0, MAX_PREVIOUS - used.size)));
  return all.length <= MAX_PREVIOUS ? all : all.filter((each) => !dropped.has(each));
}
