const UNKNOWN_AUTHORITY = 'its certificate is of an authority that is not trusted here';

/** What Node and OpenSSL call it, and what it is. */
const FAULTS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; or the clock of this machine is wrong',
  CERT_REVOKED: 'its certificate was revoked',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  CERT_SIGNATURE_FAILURE: UNKNOWN_AUTHORITY,
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS',
  ERR_SSL_HTTP_REQUEST: 'it does not speak TLS',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'it does not speak TLS 1.2 or newer',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'it does not speak TLS 1.2 or newer',
};
const MAX_NAMES_CHARS = 200;

/** Undefined for what has nothing to do with TLS. */
export function certificateFault({
  code = '',
  cert,
}: NodeJS.ErrnoException & { cert?: { subjectaltname?: string } }): string | undefined {
  if (code !== 'ERR_TLS_CERT_ALTNAME_INVALID') return FAULTS[code];
  // Of the server's making: as JSON it holds no line ends.
  const names = JSON.stringify((cert?.subjectaltname ?? 'no name').slice(0, MAX_NAMES_CHARS));
  return `its certificate is for another name (${names.slice(1, -1)})`;
}
