/** CAs and serving certificates of tests, made on the spot. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  BasicConstraintsExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;

export type Issued = {
  /** PEM, as the keys of a Secret of type kubernetes.io/tls are called. */
  readonly 'tls.crt': string;
  readonly 'tls.key': string;
  readonly 'ca.crt': string;
};

export interface Authority {
  issue(names: readonly string[], options?: { notAfterMs?: number }): Promise<Issued>;
}

export async function createAuthority(nowMs: number = Date.now()): Promise<Authority> {
  const notBefore = new Date(nowMs - 400 * DAY_MS);
  const keys = await newKeys();
  const ca = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=test CA',
    keys,
    notBefore,
    notAfter: new Date(nowMs + 400 * DAY_MS),
    signingAlgorithm: ALGORITHM,
    extensions: [new BasicConstraintsExtension(true, 0, true)],
  });
  return {
    async issue(names, { notAfterMs = nowMs + 90 * DAY_MS } = {}) {
      const own = await newKeys();
      const leaf = await X509CertificateGenerator.create({
        subject: 'CN=test',
        issuer: ca.subject,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        notBefore,
        notAfter: new Date(notAfterMs),
        signingAlgorithm: ALGORITHM,
        extensions: [
          new SubjectAlternativeNameExtension(
            names.map((value) => ({ type: isIP(value) > 0 ? 'ip' : 'dns', value })),
          ),
        ],
      });
      const key = await webcrypto.subtle.exportKey('pkcs8', own.privateKey);
      return {
        'tls.crt': pemOf(leaf),
        'tls.key': `${PemConverter.encode(key, 'PRIVATE KEY')}\n`,
        'ca.crt': pemOf(ca),
      };
    },
  };
}

const newKeys = () => webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
const pemOf = (certificate: X509Certificate): string => `${certificate.toString('pem')}\n`;
