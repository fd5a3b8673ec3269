import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ProtectedResource } from '../auth/protected-resource.ts';
import { requestFormProblem } from '../edge/request-form.ts';
import { refuse, type Refusal } from '../reasons.ts';

const CACHED_S = 300;

/**
 * `GET` of the metadata of a protected resource, for whoever asks: clients have no token yet. It says nothing that a
 * caller could not be told, so that any web page may read it; which Host is named is checked, as in calls.
 * @returns what else it is answered with
 */
export function answerMetadata(
  request: IncomingMessage,
  response: ServerResponse,
  {
    path,
    resource,
    judgeHost,
  }: {
    path: string;
    resource: ProtectedResource | undefined;
    judgeHost: (host: string | undefined) => Refusal | undefined;
  },
): Refusal | undefined {
  const { method, headers } = request;
  if (!resource) return refuse('path-unknown');
  if (method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS')
    return refuse('method-not-allowed', 'GET alone here', { allow: 'GET, HEAD, OPTIONS' });
  const problem = requestFormProblem(request, 'GET') ?? judgeHost(headers.host);
  if (problem) return problem;
  const document = resource.document(path, headers.host);
  if (document === undefined) return refuse('path-unknown');
  response.setHeader('access-control-allow-origin', '*');
  if (method === 'OPTIONS') {
    response.writeHead(204, {
      'access-control-allow-methods': 'GET, HEAD',
      // SDKs name the revision that they speak.
      'access-control-allow-headers': '*, mcp-protocol-version, authorization',
      'access-control-max-age': '600',
    });
    response.end();
    return undefined;
  }
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(document),
    'cache-control': resource.isFixed ? `public, max-age=${CACHED_S}` : 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(method === 'HEAD' ? undefined : document);
  return undefined;
}
