/** Whom a client certificate names. Pure. */
import type { X509Certificate } from 'node:crypto';

export interface CertificateName {
  readonly name: string;
  readonly groups: readonly string[];
}

const MAX_CHARS = 256;
/** Names go into audit lines and policies: what could forge a line, or look like another name, is none. */
const UNFIT = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\uFFFD]/u;

/** The first URI of the alternative names (SPIFFE), else the first DNS name, else the common name; groups: organisations. */
export function nameIn(certificate: X509Certificate): CertificateName | { readonly fault: string } {
  const alternatives = alternativesIn(certificate.subjectAltName);
  // The name that counts may be behind what cannot be read.
  if (!alternatives) return { fault: 'its alternative names cannot be read' };
  const { CN, O } = certificate.toLegacyObject().subject as unknown as Record<
    string,
    string | string[] | undefined
  >;
  const name =
    alternatives.find(({ type }) => type === 'URI')?.value ??
    alternatives.find(({ type }) => type === 'DNS')?.value ??
    CN;
  if (name === undefined) return { fault: 'it names nobody: it has no URI, DNS name or common name' };
  // Which of them counts is read differently by others.
  if (Array.isArray(name)) return { fault: 'it has several common names' };
  const groups = O === undefined ? [] : [O].flat();
  const unfit = [name, ...groups].find(
    (each) => each === '' || each.trim() !== each || each.length > MAX_CHARS || UNFIT.test(each),
  );
  return unfit === undefined
    ? { name, groups }
    : { fault: 'a name in it is empty, too long, or has characters that cannot be shown' };
}

interface Alternative {
  readonly type: string;
  readonly value: string;
}

/**
 * `URI:spiffe://a/b, DNS:x.y`; a value with characters of the syntax is written by Node as a JSON string
 * (CVE-2021-44532), so that no value can look like two.
 */
function alternativesIn(text = ''): readonly Alternative[] | undefined {
  const pattern = /([A-Za-z0-9 ]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/gy;
  const found = [...text.matchAll(pattern)];
  if (found.map(([whole]) => whole).join('') !== text) return undefined;
  return found.map(([, type = '', value = '']) => ({
    type,
    value: value.startsWith('"') ? String(JSON.parse(value)) : value,
  }));
}
