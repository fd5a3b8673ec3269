import { getCACertificates } from 'node:tls';

/** Those that Node brings, NODE_EXTRA_CA_CERTS, and those of this machine. */
export const everyonesAuthorities = (): string[] => [
  ...new Set([...getCACertificates('default'), ...getCACertificates('system')]),
];
