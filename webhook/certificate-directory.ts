/** Serving certificates that another provides, as files of a mounted Secret: cert-manager, for one. */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readDirectory } from '../sidecar/mounted/read-directory.ts';
import type { Pair } from './serving.ts';

/** @throws when there is no certificate for the host: what was read before is served on. */
export function readCertificateDirectory(directory: string, host: string): Pair {
  const read = readDirectory(directory);
  if ('problem' in read) throw new Error(`${directory} ${read.problem}`);
  const [cert, key] = ['tls.crt', 'tls.key'].map((name) => {
    const text = read.files.get(name)?.toString('utf8');
    if (text) return text;
    throw new Error(`${directory} holds no ${name}`);
  }) as [string, string];
  const leaf = parsed(() => new X509Certificate(cert), `${directory}/tls.crt is no certificate`);
  const isKeyOf = parsed(
    () => leaf.checkPrivateKey(createPrivateKey(key)),
    `${directory}/tls.key is no private key`,
  );
  if (!isKeyOf) throw new Error(`${directory}/tls.key does not belong to tls.crt`);
  if (leaf.checkHost(host) === undefined) throw new Error(`${directory}/tls.crt is not for ${host}`);
  return { cert, key };
}

function parsed<T>(parse: () => T, fault: string): T {
  try {
    return parse();
  } catch (cause) {
    throw new Error(fault, { cause });
  }
}
