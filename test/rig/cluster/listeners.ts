/** Who listens on a port that the cluster is about to take. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

export interface Endpoint {
  /** IPv4. */
  readonly address: string;
  readonly port: number;
}
interface Listener extends Endpoint {
  readonly inode: string;
}

const LISTEN = '0A';
const ANY = '0.0.0.0';

/** One phrase for each that is taken: `127.0.0.1:2379 (etcd, pid 42)`. */
export function takenPorts(wanted: readonly Endpoint[]): string[] {
  const listeners = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => listenersIn(read(file)));
  return wanted.flatMap(({ address, port }) => {
    const holder = listeners.find((each) => each.port === port && [address, ANY].includes(each.address));
    return holder ? [`${address}:${port} (${holderOf(holder.inode)})`] : [];
  });
}

/** @param table as in /proc/net/tcp or tcp6: addresses in hexadecimal words of the machine's (little) endianness. */
export function listenersIn(table: string): Listener[] {
  return table
    .trim()
    .split('\n')
    .slice(1)
    .flatMap((row) => {
      const [, local = '', , state, , , , , , inode = ''] = row.trim().split(/\s+/);
      const [address = '', port = ''] = local.split(':');
      if (state !== LISTEN) return [];
      return [{ address: addressOf(address), port: Number.parseInt(port, 16), inode }];
    });
}

/** Of IPv6 the last word, which is the whole address where it stands for one of IPv4, and 0 for any. */
function addressOf(hex: string): string {
  const word = hex.slice(-8);
  return [6, 4, 2, 0].map((at) => Number.parseInt(word.slice(at, at + 2), 16)).join('.');
}

function holderOf(inode: string): string {
  for (const pid of entriesOf('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const descriptors = entriesOf(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`));
    if (descriptors.includes(`socket:[${inode}]`)) return `${read(`/proc/${pid}/comm`).trim()}, pid ${pid}`;
  }
  return 'a process that cannot be seen from here';
}

/** Processes and descriptors end while we look. */
const orElse = <T>(look: () => T, otherwise: T): T => {
  try {
    return look();
  } catch {
    return otherwise;
  }
};
const entriesOf = (directory: string): string[] => orElse(() => readdirSync(directory), []);
const linkOf = (path: string): string => orElse(() => readlinkSync(path), '');
const read = (file: string): string => orElse(() => readFileSync(file, 'utf8'), '');
