/** Serving certificates that another provides, as files of a mounted Secret: cert-manager, for one. */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pair } from './serving.ts';

/** @throws when the two do not fit, as while the kubelet replaces them: the next look finds them whole. */
export async function readCertificateDirectory(directory: string): Promise<Pair> {
  const [cert, key] = await Promise.all([
    readFile(join(directory, 'tls.crt'), 'utf8'),
    readFile(join(directory, 'tls.key'), 'utf8'),
  ]);
  if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return { cert, key };
  throw new Error(`tls.key in ${directory} does not belong to tls.crt`);
}
