/** What `auth: mtls` needs beside itself. Pure. */
import { PREFIX } from './names.ts';
import type { RefusalReason } from './reasons.ts';

/** @param written the key as it stands for this server */
export function mtlsFaults(
  has: (key: string) => boolean,
  written: (key: string) => string,
): { reason: RefusalReason; message: string; mend: string }[] {
  const at = (key: string): string => `${PREFIX}${written(key)}`;
  return [
    ...(has('mtls-ca-secret') || has('mtls-ca-configmap')
      ? []
      : [
          {
            reason: 'ClientAuthorityMissing' as const,
            message: `needs ${at('mtls-ca-secret')} or ${at('mtls-ca-configmap')}`,
            mend: 'name there what holds, in its key ca.crt, the authorities that client certificates must be of',
          },
        ]),
    ...(has('tls-secret')
      ? []
      : [
          {
            reason: 'CertificateMissing' as const,
            message: `needs ${at('tls-secret')}: certificates are shown in the TLS handshake`,
            mend: 'name there a Secret of type kubernetes.io/tls with the certificate of this server',
          },
        ]),
  ];
}
