/** The webhook's own CA and serving certificate, as the data of its Secret. */
import 'reflect-metadata';
import { X509Certificate as Parsed, webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** PEM, by the keys of the Secret. The CA's key stays, so that a new leaf needs no new trust. */
export type CertificateData = { 'ca.crt': string; 'ca.key': string; 'tls.crt': string; 'tls.key': string };

const DAY_MS = 86_400_000;
const CA_DAYS = 3650;
const LEAF_DAYS = 365;
/** Clocks of nodes differ. */
const BACKDATE_MS = 5 * 60_000;

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/**
 * What to serve: the stored data where they will do, a new leaf of the stored CA where only the leaf is old, else all
 * new. Rotation while running belongs here, too: call it again and compare.
 */
export async function currentCertificates(
  stored: Partial<CertificateData>,
  host: string,
  now: Date,
): Promise<CertificateData> {
  if (!isComplete(stored) || !lives(stored['ca.crt'], now)) return issueAll(host, now);
  const leafServes =
    lives(stored['tls.crt'], now) &&
    new Parsed(stored['tls.crt']).checkHost(host) !== undefined &&
    new Parsed(stored['tls.crt']).verify(new Parsed(stored['ca.crt']).publicKey);
  if (leafServes) return stored;
  const key = await importKey(stored['ca.key']);
  return { ...stored, ...(await issueLeaf(new X509Certificate(stored['ca.crt']), key, host, now)) };
}

const isComplete = (data: Partial<CertificateData>): data is CertificateData =>
  (['ca.crt', 'ca.key', 'tls.crt', 'tls.key'] as const).every((key) => data[key]?.startsWith('-----BEGIN '));

/** In the first two thirds of its life. */
function lives(pem: string, now: Date): boolean {
  try {
    const { validFromDate: from, validToDate: to } = new Parsed(pem);
    const third = (to.getTime() - from.getTime()) / 3;
    return from <= now && now.getTime() < to.getTime() - third;
  } catch {
    return false;
  }
}

async function issueAll(host: string, now: Date): Promise<CertificateData> {
  const keys = await newKeys();
  const ca = await X509CertificateGenerator.createSelfSigned({
    ...validity(now, CA_DAYS),
    name: 'CN=kubectl-mcp webhook CA',
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  return {
    'ca.crt': pemOf(ca),
    'ca.key': await exportKey(keys.privateKey),
    ...(await issueLeaf(ca, keys.privateKey, host, now)),
  };
}

async function issueLeaf(ca: X509Certificate, signingKey: webcrypto.CryptoKey, host: string, now: Date) {
  const keys = await newKeys();
  const leaf = await X509CertificateGenerator.create({
    ...validity(now, LEAF_DAYS),
    // The host may be longer than the 64 characters of a CN; names count in the SAN alone (RFC 9525).
    subject: 'CN=kubectl-mcp-webhook',
    issuer: ca.subject,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([{ type: 'dns', value: host }]),
    ],
  });
  return { 'tls.crt': pemOf(leaf), 'tls.key': await exportKey(keys.privateKey) };
}

const validity = (now: Date, days: number) => ({
  notBefore: new Date(now.getTime() - BACKDATE_MS),
  notAfter: new Date(now.getTime() + days * DAY_MS),
});

const newKeys = () => webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

const pemOf = (certificate: X509Certificate): string => `${certificate.toString('pem')}\n`;

const exportKey = async (key: webcrypto.CryptoKey): Promise<string> =>
  `${PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;

const importKey = (pem: string): Promise<webcrypto.CryptoKey> =>
  webcrypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(pem), ALGORITHM, true, ['sign']);
