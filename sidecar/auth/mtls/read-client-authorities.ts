import { X509Certificate } from 'node:crypto';
import { AUTHORITY_FILE, readAuthorities } from '../../upstream/read-authorities.ts';
import { authoritiesIn, type ClientAuthorities } from './certificate-path.ts';

/** Of whom client certificates must be: the directory's `ca.crt`. Faults name the file, never what it holds. */
export function readClientAuthorities(
  files: ReadonlyMap<string, Buffer>,
):
  | { readonly certificates: readonly string[]; readonly authorities: ClientAuthorities }
  | { readonly faults: readonly string[] } {
  const read = readAuthorities(files);
  if ('faults' in read) return read;
  const authorities = authoritiesIn(read.certificates.map((each) => new X509Certificate(each)));
  return authorities
    ? { certificates: read.certificates, authorities }
    : { faults: [`${AUTHORITY_FILE} holds no authority that signed itself, where chains could end`] };
}
