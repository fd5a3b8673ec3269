import type { ServerConfig } from '../config.ts';

/** Where a developer's own tools run, the MCP inspector for one; also what a page of another site cannot claim to be. */
const LOOPBACK_ORIGIN = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/;

/**
 * Which pages may call. Browsers send `Origin` with every POST, programs send none and are let through (specification
 * 2025-11-25 and 2026-07-28, transports: servers MUST validate Origin).
 * @returns whether a page of the origin may call, and whether the browser may be told so
 */
export function compileOrigins({ allowedOrigins }: Pick<ServerConfig, 'allowedOrigins'>): {
  /** `hostIsLoopback`: the request was sent to this machine, as pages of this machine send it. */
  mayCall(origin: string, hostIsLoopback: boolean): boolean;
  isListed(origin: string): boolean;
} {
  const any = allowedOrigins.includes('*');
  const listed = new Set(allowedOrigins);
  // `null` is what sandboxed frames and files of any site send.
  const isListed = (origin: string): boolean => listed.has(origin) || (any && origin !== 'null');
  return {
    isListed,
    mayCall: (origin, hostIsLoopback) => isListed(origin) || (hostIsLoopback && LOOPBACK_ORIGIN.test(origin)),
  };
}
