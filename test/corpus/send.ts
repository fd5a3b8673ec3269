import { connect } from 'node:net';
import type { Input } from './input.ts';

/** How long to wait for an answer, and for the end of a connection. */
const TIMEOUT_MS = 20_000;
const UNANSWERED_MS = 1_000;
/** How long to wait for a further answer to bytes that are refused once, for that connection may linger. */
const QUIET_MS = 150;

/** Sends an input as it is; resolves with the statuses of the answers. */
export function send(port: number, { bytes, framing, expect }: Input): Promise<number[]> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1');
    const done = (): void => {
      clearTimeout(timer);
      socket.destroy();
      const statuses = [...text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map((each) => Number(each[1]));
      resolve(statuses.filter((status) => status >= 200));
    };
    socket.setTimeout(TIMEOUT_MS, done);
    socket.on('connect', () => socket.write(bytes));
    // Nothing more comes: who waits for the rest of a body is told so.
    const refused = framing && expect === 'refused';
    const timer = refused ? setTimeout(() => socket.end(), UNANSWERED_MS) : undefined;
    socket.on('data', (chunk) => {
      clearTimeout(timer);
      text += chunk.toString('latin1');
      if (refused) socket.setTimeout(QUIET_MS);
      else if (!framing && isWhole(text)) done();
    });
    socket.on('error', done);
    socket.on('close', done);
  });
}

function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = /^content-length: *(\d+)/im.exec(text.slice(0, end))?.[1];
  if (length !== undefined) return text.length >= end + 4 + Number(length);
  return /^transfer-encoding: *chunked/im.test(text.slice(0, end)) && text.endsWith('\r\n0\r\n\r\n');
}
