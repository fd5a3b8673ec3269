/** A client on a raw socket that is kept between its calls. It reads answers with llhttp and looks at every byte. */
import { connect, type Socket } from 'node:net';
import { Finding } from '../engine/target.ts';
import { readWithLlhttp, type LlhttpReading } from '../oracles/llhttp.ts';
import { bodyOf, eventsOf, largeOf, type Kind, type Plan } from './hostile-server.ts';

export interface Call {
  readonly plan: Plan;
  /** Resolves when the answer is over, whole or cut; undefined when the client went away first. */
  readonly ended: Promise<LlhttpReading | undefined>;
}

export interface Client {
  readonly busy: boolean;
  send(plan: Plan, options: { padding: number; slow: boolean }): Call;
  /** Leaves, in the middle of its call if it has one. */
  abort(): void;
  /** What went wrong with answers. */
  readonly faults: Error[];
}

const REPARSE_BYTES = 64 * 1024;

export function createClient(port: number, token: string): Client {
  const faults: Error[] = [];
  let socket: Socket | undefined;
  let current:
    | { plan: Plan; parts: Buffer[]; size: number; done: (reading: LlhttpReading | undefined) => void }
    | undefined;

  function open(): Socket {
    const opened = connect({ port, host: '127.0.0.1', noDelay: true });
    opened.on('error', () => undefined);
    opened.on('data', (bytes: Buffer) => receive(opened, bytes));
    opened.on('close', () => {
      if (socket !== opened) return;
      socket = undefined;
      if (current) finish(readWithLlhttp(Buffer.concat(current.parts), true));
    });
    return opened;
  }

  function receive(from: Socket, bytes: Buffer): void {
    if (from !== socket) return;
    if (!current) return void faults.push(new Finding('bytes after the end of an answer'));
    current.parts.push(bytes);
    current.size += bytes.length;
    // Large answers are looked at when they may be whole.
    if (current.size > REPARSE_BYTES && !bytes.includes('}')) return;
    const reading = readWithLlhttp(Buffer.concat(current.parts), false);
    if (!reading.complete) return;
    if (reading.end < current.size) faults.push(new Finding('bytes behind an answer'));
    finish(reading);
  }

  function finish(reading: LlhttpReading | undefined): void {
    const { plan, parts, done } = current!;
    current = undefined;
    for (const [tag] of Buffer.concat(parts)
      .toString('latin1')
      .matchAll(/<N\d+>/g))
      if (tag !== plan.tag) faults.push(new Finding('bytes of another exchange', `${plan.tag} got ${tag}`));
    if (reading) {
      const fault = faultOf(plan, reading);
      if (fault)
        faults.push(
          new Finding(
            `${plan.kind}: ${fault}`,
            JSON.stringify({ ...reading, body: reading.body.toString('latin1').slice(0, 300) }),
          ),
        );
      if (!reading.complete || !reading.keepAlive) {
        socket?.destroy();
        socket = undefined;
      }
    }
    done(reading);
  }

  return {
    get busy() {
      return current !== undefined;
    },
    faults,
    send(plan, { padding, slow }) {
      const body = `{"jsonrpc":"2.0","id":"${plan.tag}","method":"tools/call","params":{"name":"t${plan.tag}","arguments":{"x":"${plan.tag.repeat(padding)}"}}}`;
      const own = (socket ??= open());
      const ended = new Promise<LlhttpReading | undefined>((resolve) => {
        current = { plan, parts: [], size: 0, done: resolve };
      });
      own.write(
        `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      if (slow) {
        own.pause();
        setTimeout(() => own.resume(), 5);
      }
      return { plan, ended };
    },
    abort() {
      const own = socket;
      socket = undefined;
      if (current) finish(undefined);
      own?.destroy();
    },
  };
}

const WHOLE: Partial<Record<Kind, (tag: string) => string>> = {
  length: bodyOf,
  chunked: bodyOf,
  'until close': bodyOf,
  early: bodyOf,
  interim: bodyOf,
  stall: bodyOf,
  large: largeOf,
  events: eventsOf,
};
/** What may come through, or be refused: the first answer of two, and nothing where there should be a result. */
const MAYBE: Partial<Record<Kind, (tag: string) => string>> = {
  twice: bodyOf,
  'twice, late': bodyOf,
  'no content': () => '',
};

function faultOf(
  { kind, tag, disturbed }: Plan,
  { complete, status = 0, body, error }: LlhttpReading,
): string | undefined {
  const text = body.toString('latin1');
  if (error !== undefined && complete) return `an answer that is no HTTP: ${error}`;
  if (disturbed && (!complete || (status >= 500 && text.includes('"error"')))) return undefined;
  const whole = WHOLE[kind];
  if (whole) {
    if (!complete) return 'a good answer was cut';
    return (status === 200 || status === 202) && text === whole(tag)
      ? undefined
      : 'a good answer was changed';
  }
  if (kind === 'stall in events')
    return complete && text.endsWith(`data: ${bodyOf(tag)}\n\n`) ? undefined : 'a good answer was changed';
  if (!complete) return undefined;
  if (MAYBE[kind]?.(tag) === text) return undefined;
  return status >= 500 && text.includes('"error"') ? undefined : 'a broken answer looks whole';
}
