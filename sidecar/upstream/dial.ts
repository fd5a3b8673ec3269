import type { Socket, TcpNetConnectOpts } from 'node:net';
import { certificateFault } from './certificate-faults.ts';

/** In all: a server whose accept queue is full, or a filter that drops packets, answers nothing. */
const TIMEOUT_MS = 5_000;

export type OpenSocket = (options: TcpNetConnectOpts) => Socket;

/**
 * Connects to the first address that takes it. Each has its share of the time that is left, so that one that says
 * nothing does not keep the next from being tried.
 * @param open starts to connect
 * @param done is called once, unless the returned function has cancelled it
 */
export function dial<Opened extends { readonly socket: Socket }>(
  hosts: readonly string[],
  open: (host: string) => Opened,
  done: (outcome: { readonly opened: Opened; readonly host: string } | { readonly error: string }) => void,
  timeoutMs = TIMEOUT_MS,
): () => void {
  const faults: Fault[] = [];
  const untilMs = performance.now() + timeoutMs;
  let cancel = nothing;
  attempt(0);
  return () => cancel();

  function attempt(index: number): void {
    const host = hosts[index];
    if (host === undefined) return done({ error: inWords(faults) });
    const opened = open(host);
    const { socket } = opened;
    const opening = 'encrypted' in socket ? 'secureConnect' : 'connect';
    const next = (fault: string): void => {
      cancel();
      faults.push({ host, fault });
      attempt(index + 1);
    };
    const failed = (error: NodeJS.ErrnoException): void =>
      next(certificateFault(error) ?? error.code ?? error.message);
    const connected = (): void => {
      clearTimeout(timer);
      socket.off('error', failed);
      done({ opened, host });
    };
    const timer = setTimeout(
      () => next('no answer'),
      Math.max(0, untilMs - performance.now()) / (hosts.length - index),
    );
    socket.once('error', failed);
    socket.once(opening, connected);
    cancel = () => {
      clearTimeout(timer);
      socket.off(opening, connected);
      socket.off('error', failed);
      // What it may still say is for nobody.
      socket.on('error', () => undefined);
      socket.destroy();
    };
  }
}

interface Fault {
  readonly host: string;
  readonly fault: string;
}

function inWords(faults: readonly Fault[]): string {
  if (faults.every(({ fault }) => fault === 'ECONNREFUSED')) return 'nothing listens';
  return `no connection (${faults.map(({ host, fault }) => `${host}: ${fault}`).join(', ')})`;
}

function nothing(): void {}
