/** Issues the webhook's own CA and serving certificates (RFC 5280), as PEM. */
import 'reflect-metadata';
import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

const DAY_MS = 86_400_000;
const CA_LIFE_MS = 365 * DAY_MS;
/** Replaced when a third has passed, which leaves 20 days in which nobody has to notice that it was not. */
export const LEAF_LIFE_MS = 30 * DAY_MS;
/** Clocks of nodes differ. */
const BACKDATE_MS = 5 * 60_000;
/** The one curve that we sign with. */
export const CURVE = 'prime256v1';
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export type Issuer = { 'ca.crt': string; 'ca.key': string };
export type Leaf = { 'tls.crt': string; 'tls.key': string };

export async function issueCa(now: Date): Promise<Issuer> {
  const keys = await newKeys();
  const ca = await X509CertificateGenerator.createSelfSigned({
    ...validity(now, CA_LIFE_MS),
    // Two of them stand in one bundle: a verifier that goes by the name alone must not take the wrong one.
    name: `CN=kubectl-mcp webhook CA ${randomBytes(4).toString('hex')}`,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { 'ca.crt': pemOf(ca), 'ca.key': await exportKey(keys.privateKey) };
}

/** A serving certificate for one DNS name. */
export async function issueLeaf(issuer: Issuer, host: string, now: Date): Promise<Leaf> {
  const keys = await newKeys();
  const ca = new X509Certificate(issuer['ca.crt']);
  const leaf = await X509CertificateGenerator.create({
    ...validity(now, LEAF_LIFE_MS),
    // The host may be longer than the 64 characters of a CN; names count in the SAN alone (RFC 9525).
    subject: 'CN=kubectl-mcp-webhook',
    issuer: ca.subject,
    publicKey: keys.publicKey,
    signingKey: await importKey(issuer['ca.key']),
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([{ type: 'dns', value: host }]),
      await AuthorityKeyIdentifierExtension.create(await ca.publicKey.export()),
    ],
  });
  return { 'tls.crt': pemOf(leaf), 'tls.key': await exportKey(keys.privateKey) };
}

const validity = (now: Date, lifeMs: number) => ({
  notBefore: new Date(now.getTime() - BACKDATE_MS),
  notAfter: new Date(now.getTime() + lifeMs),
});

const newKeys = () => webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

const pemOf = (certificate: X509Certificate): string => `${certificate.toString('pem')}\n`;

const exportKey = async (key: webcrypto.CryptoKey): Promise<string> =>
  `${PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;

/** As an object of Node first, which reads SEC1 (`EC PRIVATE KEY`, openssl's habit) as well as PKCS #8. */
const importKey = (pem: string): Promise<webcrypto.CryptoKey> =>
  webcrypto.subtle.importKey(
    'pkcs8',
    createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' }),
    ALGORITHM,
    true,
    ['sign'],
  );
