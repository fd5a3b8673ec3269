import type { IncomingMessage } from 'node:http';
import { PARAM_HEADER_PREFIX } from '../client-message.ts';
import { contentTypeProblem } from '../downstream/media-type.ts';
import { refuse, type Refusal } from '../reasons.ts';
import { isPreflight } from './cross-site.ts';

/** The query string is dropped, so that nothing needs a longer one. */
const MAX_TARGET_CHARS = 4_096;
/** Headers that decide something. Of two, node takes the first or joins them, and whoever comes next might not. */
const SINGLE = new Set(
  (
    'host authorization x-mcp-auth mcp-user-assertion content-type content-encoding expect origin transfer-encoding content-length ' +
    'last-event-id mcp-session-id mcp-protocol-version mcp-method mcp-name'
  ).split(' '),
);

/**
 * What is wrong with a request before anyone asks what it wants: one answer for what might be read in two ways.
 * @param method as which it is judged
 */
export function requestFormProblem(
  request: IncomingMessage,
  method: string | undefined = request.method,
): Refusal | undefined {
  const { headers, httpVersion } = request;
  const { 'transfer-encoding': coding, 'content-length': length } = headers;
  if (httpVersion !== '1.1' && (httpVersion !== '1.0' || coding !== undefined)) return refuse('http-version');
  if (headers.host === undefined && httpVersion === '1.1')
    return refuse('not-http', 'there is no Host header');
  const twice = headerTwice(request);
  if (twice !== undefined) return refuse('not-http', `there are two ${twice} headers`);
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') return refuse('transfer-coding');
  // Whether the page may ask is the next question.
  if (isPreflight(method, headers)) return undefined;
  if (method !== 'POST' && method !== 'GET' && method !== 'DELETE')
    return refuse('method-not-allowed', undefined, { allow: 'POST, GET, DELETE' });
  if (method !== 'POST')
    return coding !== undefined || Number(length ?? 0) > 0
      ? refuse('not-http', 'only POST has a body here')
      : undefined;
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity')
    return refuse('media-type', 'Content-Encoding is not supported');
  const problem = contentTypeProblem(request.rawHeaders);
  return problem === undefined ? undefined : refuse('media-type', problem);
}

/** What is wrong with the target: absolute-form is for proxies, and would name a second host. */
export function requestTargetProblem(target: string): Refusal | undefined {
  if (target.length > MAX_TARGET_CHARS) return refuse('target-too-long');
  return target[0] === '/' ? undefined : refuse('not-http', 'the request target is not a path');
}

function headerTwice({ headers, rawHeaders }: IncomingMessage): string | undefined {
  // Most requests hold no header twice, and counting is cheap.
  if (Object.keys(headers).length === rawHeaders.length / 2) return undefined;
  const seen = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase();
    if (seen.has(name) && (SINGLE.has(name) || name.startsWith(PARAM_HEADER_PREFIX))) return name;
    seen.add(name);
  }
  return undefined;
}
