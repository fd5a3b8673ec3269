import type { Socket } from 'node:net';

/** For a client on the other side of the world to read an answer. */
const LINGER_MS = 1_000;

/**
 * Ends a connection while bytes of the client's may still come: they are taken and dropped for a while. A socket that
 * is closed with bytes unread resets the connection, and the answer may be lost with it (RFC 9112 section 9.6).
 */
export function endAndLinger(socket: Socket): void {
  socket.end();
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once('close', () => clearTimeout(timer));
}

/** The same once node has written the answer that closes the connection: this is what it calls then. */
export function lingerWhenAnswered(socket: Socket): void {
  socket.destroySoon = () => endAndLinger(socket);
}
