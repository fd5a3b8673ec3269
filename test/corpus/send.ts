import { connect } from 'node:net';

/** How long a connection may stay open that should have been closed. */
const TIMEOUT_MS = 20_000;
const UNANSWERED_MS = 1_000;
/** How long to wait for a further answer to bytes that may be more than one request. */
const QUIET_MS = 150;

/**
 * Sends bytes as they are; resolves with the statuses of the answers.
 * @param single the bytes are one request for everybody: done with its answer
 */
export function send(port: number, bytes: Buffer, single: boolean): Promise<number[]> {
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
    // Nothing more comes: a server that waits for the rest of a body is told so.
    const timer = setTimeout(() => socket.end(), UNANSWERED_MS);
    socket.on('data', (chunk) => {
      clearTimeout(timer);
      text += chunk.toString('latin1');
      if (single && isWhole(text)) done();
      else socket.setTimeout(single ? TIMEOUT_MS : QUIET_MS);
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
