import { certificateFault } from '../upstream/certificate-faults.ts';

const KNOWN: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name cannot be resolved now',
};

/** Codes, and words that are ours: what Node and the other end say may quote what was sent. Pure. */
export function inWords(error: NodeJS.ErrnoException, proxy: string | undefined): string {
  const words = certificateFault(error) ?? KNOWN[error.code ?? ''] ?? error.code ?? 'the request failed';
  if (proxy === undefined) return words;
  const { statusCode } = error as { statusCode?: number };
  return error.code === 'ERR_PROXY_TUNNEL'
    ? `the proxy ${proxy} ${statusCode === undefined ? 'makes no connection' : `answered ${statusCode}`}`
    : `${words} (through the proxy ${proxy})`;
}
