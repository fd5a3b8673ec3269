import { STATUS_CODES } from 'node:http';
import { REASONS, refusalBody, refuse, type Refusal } from '../reasons.ts';

/** Why a connection was ended without an exchange: a label of a metric, so that there are few. */
export const FAULTS = [
  'bad-request',
  'headers-too-large',
  'timeout',
  'pipelined',
  'too-many',
  'tls',
  'reset',
] as const;
export type Fault = (typeof FAULTS)[number];

/**
 * What an error that node found on a client's connection means, and the answer to it where the client may still read
 * one.
 */
export function clientFault({ code = '', reason }: { code?: string; reason?: string }): {
  readonly fault: Fault;
  readonly refusal?: Refusal;
} {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return { fault: 'timeout', refusal: refuse('request-timeout') };
  if (code === 'HPE_HEADER_OVERFLOW')
    return { fault: 'headers-too-large', refusal: refuse('headers-too-large') };
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW')
    return { fault: 'bad-request', refusal: refuse('body-too-large', 'chunk extensions') };
  // The words are the parser's own and quote nothing.
  if (code.startsWith('HPE_')) return { fault: 'bad-request', refusal: refuse('not-http', reason) };
  return { fault: code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') ? 'tls' : 'reset' };
}

/** An answer where there is no request that it could be the answer to. */
export function rawAnswer(refusal: Refusal): string {
  const { status } = REASONS[refusal.reason];
  const body = refusalBody(refusal);
  return (
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`
  );
}
