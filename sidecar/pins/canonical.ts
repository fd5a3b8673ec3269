/**
 * JSON in the canonical form of RFC 8785, of a value that JSON.parse has made. The RFC takes numbers and strings as
 * JSON.stringify writes them (sections 3.2.2.2 and 3.2.2.3), and keys in the order of their UTF-16 code units (3.2.3).
 * @throws {TypeError} for what has no canonical form: a lone surrogate, a number beyond the range of doubles
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new TypeError('a number is beyond the range of doubles');
  if (typeof value === 'string' && !value.isWellFormed()) throw new TypeError('a text has a lone surrogate');
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.entries(value)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, inner]) => `${canonicalJson(key)}:${canonicalJson(inner)}`);
  return `{${members.join(',')}}`;
}
