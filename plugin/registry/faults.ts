/** What is said of a registry that gives nothing: the cause, and what to do. Pure. */
import type { Credentials } from './credentials.ts';
import type { ImageReference } from './reference.ts';

type Asked = {
  image: string;
  reference: ImageReference;
  credentials: Credentials | undefined;
  what: string;
  otherwise: string;
};

/** Cause and next step for an answer that is not the document. */
export function answerInWords(
  status: number,
  code: string,
  { image, reference, credentials, what, otherwise }: Asked,
): [string, string] {
  const { registry } = reference;
  if (status === 401 || status === 403) {
    const who = credentials ? `with the credentials of ${credentials.from}` : 'without credentials';
    return [
      `registry ${registry} does not give it away ${who} (HTTP ${status})`,
      `Log in with docker login ${registry}, or put a Secret that may read it into imagePullSecrets of the pod. An image that is not there is often refused in the same way`,
    ];
  }
  if (status === 404) {
    const gone =
      code === 'NAME_UNKNOWN'
        ? `there is no repository ${reference.repository}`
        : `there is no ${reference.target} in ${reference.repository}`;
    return [
      `at registry ${registry} ${gone}`,
      `Look at the name: ${image}. For an image that is in no registry: ${otherwise}`,
    ];
  }
  if (status === 429) return [`registry ${registry} has had too many requests (HTTP 429)`, 'Log in, or wait'];
  return [`registry ${registry} answers HTTP ${status}${code && ` ${code}`} for ${what}`, otherwise];
}

type Cause = Error & { code?: string; reason?: string; errors?: Error[] };

/** `fetch` says "fetch failed" and keeps why in the cause. */
export function causeOf(error: unknown, timeoutMs: number): string {
  const { name, cause, message } = error as Error & { cause?: Cause };
  if (name === 'TimeoutError') return `no answer in ${timeoutMs / 1000} s`;
  // OpenSSL's message is one of many words, of which the reason is what a person can use.
  return cause?.reason || cause?.message || cause?.errors?.[0]?.message || cause?.code || message;
}

export function nextOf(error: unknown, otherwise: string): string {
  const cause = (error as { cause?: { code?: string; message?: string } }).cause;
  const text = `${cause?.code ?? ''} ${cause?.message ?? ''}`;
  if (/wrong version number|packet length too long|EPROTO|HTTP_REQUEST/i.test(text)) {
    return 'It seems to speak plain HTTP: give --plain-http';
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET)|ALTNAME/i.test(text)) {
    return 'Its certificate is not trusted here: set NODE_EXTRA_CA_CERTS to a file with the CA that signed it';
  }
  return `Run this where the registry can be reached. ${otherwise}`;
}
