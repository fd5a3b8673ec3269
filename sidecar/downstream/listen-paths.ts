import { LISTEN_PATH, type ServerConfig } from '../config.ts';
import { SSE_PATH } from './sse-clients.ts';

/** Where clients of streamable HTTP find the server. The path of an event stream of 2024-11-05 is none of theirs. */
export function listenPaths({ upstream: { transport, path } }: Pick<ServerConfig, 'upstream'>): string[] {
  const isEventStream = transport === 'sse' || (transport === 'auto' && path === SSE_PATH);
  return isEventStream || path === undefined ? [LISTEN_PATH] : [...new Set([LISTEN_PATH, path])];
}

/** With those of clients of HTTP+SSE. */
export const clientPaths = (server: Pick<ServerConfig, 'upstream'>): string[] => [
  ...new Set([...listenPaths(server), SSE_PATH]),
];
