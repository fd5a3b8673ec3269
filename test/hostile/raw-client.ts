/** A client on a bare socket: sends what a test says, byte by byte, and tells what came back. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface RawClient {
  readonly socket: Socket;
  write(bytes: string | Buffer): void;
  /** The next answer; undefined when the connection ended without another. */
  answer(): Promise<RawAnswer | undefined>;
  /** Resolves when the server's side has ended the connection. */
  closed(): Promise<void>;
  /** What came and was no answer. */
  rest(): string;
}

export async function rawClient(port: number, localAddress?: string): Promise<RawClient> {
  const socket = connect({ port, host: '127.0.0.1', ...(localAddress ? { localAddress } : {}) });
  let bytes = '';
  let ended = false;
  let wake: (() => void) | undefined;
  const end = (): void => {
    ended = true;
    wake?.();
  };
  socket.on('error', end).on('close', end).on('end', end);
  socket.on('data', (chunk) => {
    bytes += chunk.toString('latin1');
    wake?.();
  });
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
  const news = (): Promise<void> => new Promise((resolve) => (wake = resolve));
  return {
    socket,
    write: (given) => void socket.write(typeof given === 'string' ? Buffer.from(given, 'latin1') : given),
    async answer() {
      for (;;) {
        const taken = takeAnswer(bytes, ended);
        if (taken) {
          bytes = taken.rest;
          return taken.answer;
        }
        if (ended) return undefined;
        await news();
      }
    },
    async closed() {
      // oxlint-disable-next-line no-unmodified-loop-condition -- set while it waits
      while (!ended) await news();
    },
    rest: () => bytes,
  };
}

/** Sends the bytes on a connection of their own, and waits for the first final answer. */
export async function answerTo(port: number, bytes: string): Promise<RawAnswer | undefined> {
  const client = await rawClient(port);
  client.write(bytes);
  try {
    for (;;) {
      const answer = await client.answer();
      if (answer?.status !== 100) return answer;
    }
  } finally {
    client.socket.destroy();
  }
}

function takeAnswer(bytes: string, ended: boolean): { answer: RawAnswer; rest: string } | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [first = '', ...lines] = bytes.slice(0, end).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(`${first} `)?.[1]);
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const start = end + 4;
  if (status === 100 || status === 204)
    return { answer: { status, headers, body: '' }, rest: bytes.slice(start) };
  if (headers['transfer-encoding'] !== undefined) return takeChunks(bytes, start, { status, headers });
  const length = headers['content-length'];
  const stop = length === undefined ? bytes.length : start + Number(length);
  if (length === undefined ? !ended : bytes.length < stop) return undefined;
  return { answer: { status, headers, body: bytes.slice(start, stop) }, rest: bytes.slice(stop) };
}

function takeChunks(bytes: string, from: number, head: Omit<RawAnswer, 'body'>) {
  let body = '';
  for (let at = from; ;) {
    const line = bytes.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = Number.parseInt(bytes.slice(at, line), 16);
    if (bytes.length < line + 4 + size) return undefined;
    body += bytes.slice(line + 2, line + 2 + size);
    at = line + 4 + size;
    if (size === 0) return { answer: { ...head, body }, rest: bytes.slice(at) };
  }
}
