/** HTTP on a bare socket, for a client that wants to break off in the middle of it. */
import { connect, type Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly sessionId: string | undefined;
  readonly body: string;
}

/** One connection; a request at a time. */
export interface Wire {
  readonly socket: Socket;
  /** Rejects when the connection ends. */
  ask(request: string): Promise<Answer>;
  /** Resolves with the status once the head is there; what follows goes to `onData`. */
  listen(request: string, onData: (text: string) => void): Promise<number>;
  /** Resolves at the first byte of an answer. */
  firstByte(request: string): Promise<void>;
  /** Sends and waits for nothing. */
  send(request: string): void;
  /** What has come since the last request was sent. */
  received(): string;
  /** With RST: nothing is waited for, nothing is left in TIME_WAIT. */
  reset(): void;
}

export interface Caller {
  readonly port: number;
  readonly token: string;
}

export function openWire({ port }: Caller): Promise<Wire> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let received = '';
    let wake: (() => void) | undefined;
    let fail: ((error: Error) => void) | undefined;
    socket.setEncoding('latin1');
    socket.once('connect', () => resolve(wire));
    socket.on('data', (text: string) => {
      received += text;
      wake?.();
    });
    socket.on('error', (error: Error) => (fail ?? reject)(error));
    socket.on('close', () => fail?.(new Error('the connection was closed')));

    function exchange<T>(request: string, look: () => T | undefined): Promise<T> {
      received = '';
      return new Promise<T>((done, failed) => {
        fail = failed;
        wake = () => {
          const found = look();
          if (found === undefined) return;
          wake = fail = undefined;
          done(found);
        };
        socket.write(request, 'latin1');
      });
    }
    const wire: Wire = {
      socket,
      ask: (request) => exchange(request, () => wholeAnswer(received)),
      firstByte: (request) => exchange(request, () => (received ? true : undefined)).then(() => undefined),
      async listen(request, onData) {
        const status = await exchange(request, () =>
          received.includes('\r\n\r\n') ? statusOf(received) : undefined,
        );
        onData(received.slice(received.indexOf('\r\n\r\n') + 4));
        received = '';
        wake = () => {
          onData(received);
          received = '';
        };
        return status;
      },
      send(request) {
        received = '';
        socket.write(request, 'latin1');
      },
      received: () => received,
      reset: () => void socket.resetAndDestroy(),
    };
  });
}

/** One whole request of a message. `headers` are lines ended by CRLF. */
export function post({ port, token }: Caller, message: string, headers = ''): string {
  return (
    `POST /mcp HTTP/1.1\r\nHost: localhost:${port}\r\nAuthorization: Bearer ${token}\r\n` +
    `Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n${headers}` +
    `Content-Length: ${Buffer.byteLength(message)}\r\n\r\n${message}`
  );
}

export function get({ port, token }: Caller, headers: string): string {
  return (
    `GET /mcp HTTP/1.1\r\nHost: localhost:${port}\r\nAuthorization: Bearer ${token}\r\n` +
    `Accept: text/event-stream\r\n${headers}\r\n`
  );
}

const statusOf = (text: string): number => Number(text.slice(9, 12));

/** Only answers with a Content-Length: the sidecar gives one to all that is not an event stream. */
function wholeAnswer(text: string): Answer | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const head = text.slice(0, end + 2);
  const length = Number(/\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1] ?? 0);
  const body = text.slice(end + 4);
  if (body.length < length) return undefined;
  return {
    status: statusOf(head),
    sessionId: /\r\nmcp-session-id: (\S+)\r\n/i.exec(head)?.[1],
    body: body.slice(0, length),
  };
}
