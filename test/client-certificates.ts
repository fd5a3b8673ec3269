/** Client certificates of tests, and the authorities that issue them. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  type JsonName,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;

export interface ClientCertificate {
  /** PEM: its own, and intermediate ones. */
  readonly cert: string;
  readonly key: string;
}

export interface Wanted {
  readonly subject?: string | JsonName;
  readonly names?: readonly JsonGeneralName[];
  readonly usage?: 'client' | 'server' | 'unsaid';
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
}

export interface ClientAuthority {
  /** PEM. */
  readonly ca: string;
  issue(wanted: Wanted): Promise<ClientCertificate>;
  /** One below it. */
  intermediate(name: string): Promise<ClientAuthority>;
  /** The same name and key in another certificate. */
  renewed(): Promise<ClientAuthority>;
}

type Keys = Awaited<ReturnType<typeof newKeys>>;
const newKeys = () => webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
const pemOf = (certificate: { toString(format: 'pem'): string }): string =>
  `${certificate.toString('pem')}\n`;
const keyPem = async ({ privateKey }: Keys): Promise<string> =>
  `${PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', privateKey), 'PRIVATE KEY')}\n`;
const times = (notBeforeMs = Date.now() - DAY_MS, notAfterMs = Date.now() + 90 * DAY_MS) => ({
  notBefore: new Date(notBeforeMs),
  notAfter: new Date(notAfterMs),
  signingAlgorithm: ALGORITHM,
});

export async function createClientAuthority(name: string, keys?: Keys): Promise<ClientAuthority> {
  const own = keys ?? (await newKeys());
  const root = await X509CertificateGenerator.createSelfSigned({
    name,
    keys: own,
    ...times(),
    extensions: [new BasicConstraintsExtension(true, 2, true)],
  });
  return authority(own, { subject: root.subject, ca: pemOf(root), chain: '' });
}

/** What signed itself. */
export async function selfSigned(subject: string): Promise<ClientCertificate> {
  const keys = await newKeys();
  return {
    cert: pemOf(await X509CertificateGenerator.createSelfSigned({ name: subject, keys, ...times() })),
    key: await keyPem(keys),
  };
}

function authority(
  keys: Keys,
  { subject: issuer, ca, chain }: { subject: string; ca: string; chain: string },
): ClientAuthority {
  const signed = { issuer, signingKey: keys.privateKey };
  return {
    ca,
    renewed: () => createClientAuthority(issuer, keys),
    async issue({ subject = [], names = [], usage = 'client', notBeforeMs, notAfterMs }) {
      const own = await newKeys();
      const leaf = await X509CertificateGenerator.create({
        ...signed,
        subject,
        publicKey: own.publicKey,
        ...times(notBeforeMs, notAfterMs),
        extensions: [
          ...(names.length > 0 ? [new SubjectAlternativeNameExtension([...names])] : []),
          ...(usage === 'unsaid'
            ? []
            : [
                new ExtendedKeyUsageExtension([
                  ExtendedKeyUsage[usage === 'client' ? 'clientAuth' : 'serverAuth'],
                ]),
              ]),
        ],
      });
      return { cert: pemOf(leaf) + chain, key: await keyPem(own) };
    },
    async intermediate(name) {
      const own = await newKeys();
      const made = await X509CertificateGenerator.create({
        ...signed,
        subject: name,
        publicKey: own.publicKey,
        ...times(),
        extensions: [new BasicConstraintsExtension(true, 0, true)],
      });
      const pem = pemOf(made);
      return authority(own, { subject: made.subject, ca: pem, chain: pem + chain });
    },
  };
}
