/** Where a port of the pod is listened on, as the kernel has it: its network namespace is the sidecar's own. */
import { readFileSync } from 'node:fs';

export type Listening = 'loopback' | 'all';

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
const LISTEN = '0A';
/** 127.0.0.0/8, ::1 and ::ffff:127.0.0.0/104, in words of the machine's byte order. */
const LOOPBACK = /^([0-9A-F]{6}7F|0{24}01000000|0{16}FFFF0000[0-9A-F]{6}7F)$/;

/**
 * Undefined when nobody listens there, or the kernel does not tell.
 * @param tables the texts of `/proc/net/tcp` and `tcp6`.
 */
export function listeningOn(
  port: number,
  tables: readonly string[] = TABLES.map(read),
): Listening | undefined {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const addresses = tables
    .flatMap((table) => table.split('\n').map((line) => line.trim().split(/\s+/)))
    .filter(([, local = '', , state]) => state === LISTEN && local.endsWith(suffix))
    .map(([, local = '']) => local.slice(0, -suffix.length));
  if (addresses.length === 0) return undefined;
  return addresses.every((each) => LOOPBACK.test(each)) ? 'loopback' : 'all';
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
