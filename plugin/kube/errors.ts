/** Words for what the API server, or the way to it, answers: kubectl's own. */
import { CliError } from '../errors.ts';

/** The part of a Kubernetes Status that people need. */
export interface ApiStatus {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
}

/** The Status inside an error of client-node, or undefined. Does not load client-node. */
export function apiStatusOf(error: unknown): ApiStatus | undefined {
  // A DOMException has a number for its code too, but no body.
  if (!(error instanceof Error) || !('code' in error) || !('body' in error)) return undefined;
  if (typeof error.code !== 'number') return undefined;
  const body = asObject(error.body);
  return {
    code: error.code,
    reason: typeof body?.['reason'] === 'string' ? body['reason'] : (REASONS[error.code] ?? ''),
    message: typeof body?.['message'] === 'string' ? body['message'] : textOf(error),
  };
}

export const isNotFound = (error: unknown): boolean => apiStatusOf(error)?.code === 404;
export const isForbidden = (error: unknown): boolean => apiStatusOf(error)?.code === 403;

/** The API server is away or overloaded for now: it may answer the same question later. */
export function isTransient(error: unknown): boolean {
  const code = apiStatusOf(error)?.code;
  return code === undefined ? connectionFault(error) !== undefined : code === 429 || code >= 500;
}

/** Any error as a {@link CliError}; `server` is the API server's URL, for connection faults. */
export function toCliError(error: unknown, server = ''): CliError {
  if (error instanceof CliError) return error;
  const status = apiStatusOf(error);
  if (status) return new CliError(wordStatus(status), { bare: status.code !== 401, cause: error });
  const fault = connectionFault(error);
  if (fault) return new CliError(wordConnection(fault, server), { bare: true, cause: error });
  return new CliError(error instanceof Error ? error.message : String(error), { cause: error });
}

function wordStatus({ code, reason, message }: ApiStatus): string {
  if (code === 401) return 'You must be logged in to the server (Unauthorized)';
  return reason ? `Error from server (${reason}): ${message}` : `Error from server: ${message}`;
}

interface ConnectionFault {
  readonly code: string;
  readonly message: string;
  readonly hostname?: string;
}

const hostOf = (server: string): string => (URL.canParse(server) ? new URL(server).host : server);

function wordConnection(fault: ConnectionFault, server: string): string {
  const host = hostOf(server);
  if (fault.code === 'ECONNREFUSED') {
    return `The connection to the server ${host} was refused - did you specify the right host or port?`;
  }
  if (fault.code === 'ENOTFOUND' || fault.code === 'EAI_AGAIN') {
    return `Unable to connect to the server: dial tcp: lookup ${fault.hostname ?? host}: no such host`;
  }
  if (fault.code === 'TimeoutError') {
    return `Unable to connect to the server: no answer from ${host} within --request-timeout`;
  }
  return `Unable to connect to the server: ${fault.message}`;
}

/** The innermost cause that has a code of the network or of TLS. undici wraps it in `TypeError: fetch failed`. */
function connectionFault(error: unknown): ConnectionFault | undefined {
  for (let each = error, depth = 0; each && depth < 6; depth++) {
    const { code, name, message, cause, errors, hostname, error: inner } = each as Record<string, unknown>;
    if (name === 'TimeoutError') return { code: 'TimeoutError', message: String(message) };
    if (
      typeof code === 'string' &&
      /^(E[A-Z]+|UND_ERR_.*|.*CERT.*|ERR_(TLS|SSL).*|UNABLE_TO_.*)$/.test(code)
    ) {
      return { code, message: String(message), ...(typeof hostname === 'string' ? { hostname } : {}) };
    }
    // `error` is where the WebSocket's ErrorEvent keeps it.
    each = cause ?? (Array.isArray(errors) ? errors[0] : undefined) ?? inner;
  }
  return undefined;
}

const REASONS: Record<number, string> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  410: 'Gone',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

function asObject(body: unknown): Record<string, unknown> | undefined {
  if (typeof body === 'object' && body !== null) return body as Record<string, unknown>;
  if (typeof body !== 'string') return undefined;
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function textOf(error: Error): string {
  const body = 'body' in error ? error.body : undefined;
  return typeof body === 'string' && body.trim() !== ''
    ? body.trim().slice(0, 400)
    : error.message.split('\n')[0]!;
}
