/** Headers of the caller's that the server gets because its owner has named them. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Exchange } from '../exchange.ts';
import { refuse, type Refusal } from '../reasons.ts';

/** Sixteen of them are as much as servers take of headers in all. */
const MAX_VALUE_CHARS = 1_024;
/** What every server reads alike. */
const VALUE = /^[\t -~]*$/;

/** Header lines, each ended by CRLF; undefined where none is named, or none has come. */
export function forwardedLines({ server, head }: Exchange): string | undefined {
  const { forwardHeaders } = server.upstream;
  return forwardHeaders && (linesOf(forwardHeaders, head.headers) || undefined);
}

export function linesOf(names: readonly string[], headers: IncomingHttpHeaders): string {
  let lines = '';
  for (const name of names) {
    const value = headers[name];
    if (value !== undefined) lines += `${name}: ${value as string}\r\n`;
  }
  return lines;
}

/** A server may decide by them: they have one reading, or the request is refused. The value is not quoted. */
export function forwardedProblem(
  { headers, headersDistinct }: Pick<IncomingMessage, 'headers' | 'headersDistinct'>,
  names: readonly string[] | undefined,
): Refusal | undefined {
  for (const name of names ?? []) {
    const value = headers[name];
    if (value === undefined) continue;
    if ((headersDistinct[name]?.length ?? 0) > 1) return refuse('not-http', `there are two ${name} headers`);
    if (value.length > MAX_VALUE_CHARS)
      return refuse('headers-too-large', `the header ${name} is longer than ${MAX_VALUE_CHARS} characters`);
    if (!VALUE.test(value as string))
      return refuse('not-http', `the header ${name} holds characters that are not visible ASCII`);
  }
  return undefined;
}
