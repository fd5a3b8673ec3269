/** How clients leave a session without saying so, and what else ends one. */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Target {
  readonly host: string;
  readonly port: number;
  readonly token: string;
}

type Way = (target: Target) => Promise<void>;

const ACCEPT = 'Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n';
const META =
  '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"rude","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}';
const INITIALIZE =
  '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"rude","version":"1"}}}';
const INITIALIZED = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
const toolCall = (name: string, id = 2): string =>
  `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${name}","arguments":{"text":"x"},"_meta":{"progressToken":1}}}`;

/** By what is done. */
export const WAYS: Readonly<Record<string, Way>> = {
  async 'no DELETE'(target) {
    const { wire, head } = await opened(target);
    await wire.post(toolCall('echo'), head);
    wire.end();
  },
  async 'the socket cut with a call under way'(target) {
    const { wire, head } = await opened(target);
    wire.send(post(target, toolCall('silent'), head));
    await sleep(5);
    wire.cut();
  },
  async 'the socket cut among notifications'(target) {
    const { wire, head } = await opened(target);
    wire.send(post(target, toolCall('burst'), head));
    await wire.until(/progress/);
    wire.cut();
  },
  async 'cut before the answer to initialize'(target) {
    const wire = new Wire(target);
    wire.send(post(target, INITIALIZE));
    await sleep(2);
    wire.cut();
  },
  async 'half an initialize'(target) {
    const wire = new Wire(target);
    wire.send(post(target, INITIALIZE).slice(0, -40));
    await sleep(2);
    wire.cut();
  },
  async 'half a request in a session'(target) {
    const { wire, head } = await opened(target);
    wire.send(post(target, toolCall('echo'), head).slice(0, -30));
    await sleep(2);
    wire.cut();
  },
  async 'the stream of the session cut'(target) {
    const { wire, head } = await opened(target);
    wire.end();
    const stream = new Wire(target);
    stream.send(`GET /mcp HTTP/1.1\r\n${common(target)}${head}\r\n`);
    await sleep(10);
    stream.cut();
  },
  async 'the server ends in a call'(target) {
    const { wire, head } = await opened(target);
    await wire.post(toolCall('die'), head);
    wire.cut();
  },
  async 'DELETE with a call under way'(target) {
    const { wire, head } = await opened(target);
    const other = new Wire(target);
    other.send(post(target, toolCall('silent'), head));
    wire.send(`DELETE /mcp HTTP/1.1\r\n${common(target)}${head}\r\n`);
    await wire.until(/^HTTP\/1\.1 \d+/);
    wire.cut();
    other.cut();
  },
  async 'a call of 2026-07-28 cut'(target) {
    const wire = new Wire(target);
    const named = 'Mcp-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: silent\r\n';
    const params = `{"name":"silent","arguments":{"text":"x"},${META}}`;
    wire.send(post(target, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`, named));
    await sleep(10);
    wire.cut();
  },
};

/** A session that has begun, and the heads by which it is known. */
async function opened(target: Target): Promise<{ wire: Wire; head: string }> {
  const wire = new Wire(target);
  const answer = await wire.post(INITIALIZE);
  const session = /^mcp-session-id: (\S+)/im.exec(answer)?.[1];
  if (session === undefined) {
    wire.cut();
    throw new Unopened(answer.slice(0, 400));
  }
  const head = `Mcp-Session-Id: ${session}\r\nMcp-Protocol-Version: 2025-11-25\r\n`;
  await wire.post(INITIALIZED, head);
  return { wire, head };
}

/** No session came of it, which the sidecar may say when it is full, or gone. */
export class Unopened extends Error {}

const common = ({ host, port, token }: Target): string =>
  `Host: ${host}:${port}\r\n${token && `Authorization: Bearer ${token}\r\n`}${ACCEPT}`;

const post = (target: Target, body: string, head = ''): string =>
  `POST /mcp HTTP/1.1\r\n${common(target)}${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

/** A connection with nothing between a test and its bytes. */
class Wire {
  readonly #target: Target;
  readonly #socket: Socket;
  #read = '';
  #ended = false;

  constructor(target: Target) {
    this.#target = target;
    this.#socket = connect(target.port, target.host);
    this.#socket.setEncoding('utf8').on('data', (text: string) => (this.#read += text));
    this.#socket.on('error', () => undefined).on('close', () => (this.#ended = true));
  }

  send(text: string): void {
    this.#socket.write(text);
  }

  /** @returns the whole answer, or what came of it */
  async post(body: string, head?: string): Promise<string> {
    this.#read = '';
    this.send(post(this.#target, body, head));
    // The end of a body with a length, of one in pieces, or of none.
    await this.until(/\r\n0\r\n\r\n|\r\n\r\n\{.*\}$|^HTTP\/1\.1 (?:20[24]|4|5)/s);
    return this.#read;
  }

  async until(pattern: RegExp): Promise<void> {
    const until = Date.now() + 10_000;
    while (!pattern.test(this.#read) && !this.#ended && Date.now() < until)
      await new Promise<void>((resolve) => {
        const go = (): void => {
          clearTimeout(timer);
          this.#socket.off('data', go).off('close', go);
          resolve();
        };
        const timer = setTimeout(go, 500);
        this.#socket.on('data', go).on('close', go);
      });
  }

  end(): void {
    this.#socket.end();
  }

  cut(): void {
    this.#socket.resetAndDestroy();
  }
}
