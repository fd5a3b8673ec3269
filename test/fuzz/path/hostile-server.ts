/**
 * A server on raw sockets that answers each call as its plan says, by the rules of HTTP or against them. All that it
 * writes for a call carries the call's tag, so that a byte that goes astray is known.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Finding } from '../engine/target.ts';

export const KINDS = [
  ...(['length', 'chunked', 'events', 'until close', 'early', 'interim', 'no content', 'large'] as const),
  ...([
    'reset',
    'cut head',
    'cut body',
    'cut chunks',
    'cut events',
    'twice',
    'twice, late',
    'garbage',
    'stall',
    'stall in events',
  ] as const),
] as const;
export type Kind = (typeof KINDS)[number];

export interface Plan {
  readonly tag: string;
  readonly kind: Kind;
  /** Chooses among the forms of a kind. */
  readonly form: number;
  readonly caller: string;
  /** An answer that comes late for another of the caller's may meet it: then it is refused. */
  readonly disturbed: boolean;
  /** Its client has gone away. */
  left: boolean;
}

export interface HostileServer {
  readonly port: number;
  plan(plan: Plan): void;
  /** Lets the calls that stall go on. */
  release(): void;
  /** Whether the answer to a call is still being given. */
  underWay(tag: string): boolean;
  /** Writes an answer that nobody asked for on connections where nothing is under way; how many. */
  stray(): number;
  /** Second answers that have met no request yet will not be given. */
  forget(): void;
  /** Connections of which an answer is not wanted any more. */
  spoilt(): number;
  /** What went wrong on this side. */
  readonly faults: Error[];
  stop(): Promise<void>;
}

export const bodyOf = (tag: string): string =>
  `{"jsonrpc":"2.0","id":"${tag}","result":{"content":[],"tag":"${tag.repeat(3)}"}}`;
export const eventsOf = (tag: string): string =>
  `data: {"jsonrpc":"2.0","method":"notifications/message","params":{"data":"${tag}"}}\n\ndata: ${bodyOf(tag)}\n\n`;
const LARGE_REPEATS = 20_000;
export const largeOf = (tag: string): string =>
  `{"jsonrpc":"2.0","id":"${tag}","result":{"x":"${tag.repeat(LARGE_REPEATS)}"}}`;

const SIDECAR = 'the sidecar';

interface Conversation {
  readonly socket: Socket;
  input: Buffer;
  busy: boolean;
  spoilt: boolean;
  lastTag: string;
  caller: string;
  /** A second answer that is late: it goes out when the next request has come. */
  owed: string;
}

export async function startHostileServer(): Promise<HostileServer> {
  const plans = new Map<string, Plan>();
  const conversations = new Set<Conversation>();
  const stalled = new Set<() => void>();
  const faults: Error[] = [];

  const server: Server = createServer({ noDelay: true }, (socket) => {
    const conversation: Conversation = {
      socket,
      input: Buffer.alloc(0),
      busy: false,
      spoilt: false,
      lastTag: '',
      caller: '',
      owed: '',
    };
    conversations.add(conversation);
    socket.on('error', () => undefined);
    socket.on('close', () => conversations.delete(conversation));
    socket.on('data', (bytes: Buffer) => {
      conversation.input = Buffer.concat([conversation.input, bytes]);
      try {
        read(conversation);
      } catch (error) {
        faults.push(error as Error);
        socket.destroy();
      }
    });
  });

  function read(conversation: Conversation): void {
    const { input } = conversation;
    const end = input.indexOf('\r\n\r\n');
    if (end < 0) return;
    if (conversation.busy) throw new Finding('a request while another is under way on the connection');
    const head = input.toString('latin1', 0, end);
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    const tag = /<N\d+>/.exec(input.toString('latin1', end))?.[0];
    const plan = tag === undefined ? undefined : plans.get(tag);
    const caller = plan?.caller ?? SIDECAR;
    if (conversation.caller !== '' && conversation.caller !== caller)
      throw new Finding("a request on another caller's connection", `${conversation.caller}, ${caller}`);
    conversation.caller = caller;
    if (conversation.spoilt) {
      // What the sidecar asks for itself, or for a client that has left, may have gone out before it saw what spoilt it.
      if (!plan || plan.left || plan.disturbed) return void conversation.socket.destroy();
      throw new Finding('a request on a connection that had a broken answer');
    }
    const early = plan?.kind === 'early';
    if (input.length < end + 4 + length && !early) return;
    if (input.length > end + 4 + length) throw new Finding('bytes behind a request');
    const body = input.toString('utf8', end + 4);
    if (tag !== undefined && !plan) throw new Finding('a request that was sent twice, or that nobody sent');
    if (new Set(body.match(/<N\d+>/g)).size > 1) throw new Finding('two exchanges in one request');
    conversation.input = Buffer.alloc(0);
    if (!plan) return answerSidecar(conversation.socket, head, body);
    plans.delete(plan.tag);
    if (conversation.owed !== '') {
      conversation.spoilt = true;
      return void conversation.socket.write(conversation.owed, 'latin1');
    }
    conversation.busy = true;
    conversation.lastTag = plan.tag;
    answer(conversation, plan);
  }

  function answer(conversation: Conversation, plan: Plan): void {
    const { socket } = conversation;
    const done = (): void => void (conversation.busy = false);
    const parts = partsOf(plan);
    const next = (index: number): void => {
      if (socket.destroyed) return;
      const part = parts[index];
      if (part === undefined) return done();
      if (part === 'close') return void socket.end();
      if (part === 'reset') return void socket.resetAndDestroy();
      if (part === 'spoilt') conversation.spoilt = true;
      if (part === 'late') {
        conversation.owed = parts[index + 1]!;
        return done();
      }
      if (part === 'stall') {
        const go = (): void => {
          stalled.delete(go);
          next(index + 1);
        };
        socket.once('close', () => stalled.delete(go));
        return void stalled.add(go);
      }
      // What is complete before its bytes have left may be followed by the next request at once.
      if (index === parts.length - 1) done();
      if (part === 'spoilt') return next(index + 1);
      if (plan.form & 1) socket.write(part, 'latin1', () => setImmediate(next, index + 1));
      else {
        socket.write(part, 'latin1');
        next(index + 1);
      }
    };
    next(0);
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    plan: (plan) => void plans.set(plan.tag, plan),
    release: () => {
      for (const go of stalled) go();
    },
    underWay: (tag) => [...conversations].some(({ busy, lastTag }) => busy && lastTag === tag),
    stray() {
      let count = 0;
      for (const conversation of conversations) {
        const { socket, busy, lastTag, spoilt } = conversation;
        if (busy || spoilt || lastTag === '') continue;
        conversation.spoilt = true;
        socket.write(withLength(bodyOf(lastTag)), 'latin1');
        count++;
      }
      return count;
    },
    forget() {
      for (const conversation of conversations) conversation.owed = '';
    },
    spoilt: () => [...conversations].filter(({ spoilt }) => spoilt).length,
    faults,
    async stop() {
      for (const { socket } of conversations) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const withLength = (body: string, more = ''): string =>
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n${more}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
const pieces = (text: string, count: number): string[] =>
  Array.from({ length: count }, (_, at) =>
    text.slice((at * text.length) / count, ((at + 1) * text.length) / count),
  ).filter((each) => each !== '');

/** What is written, in order; words stand for what is done. */
function partsOf({ tag, kind, form }: Plan): readonly string[] {
  const body = bodyOf(tag);
  const half = body.slice(0, body.length >> 1);
  const many = 1 + ((form >> 1) % 4);
  const chunked = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
  const stream = `HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n`;
  switch (kind) {
    case 'length':
    case 'early':
      return pieces(withLength(body), many);
    case 'chunked':
      return [chunked, ...pieces(body, many).map(chunk), '0\r\n\r\n'];
    case 'events':
      return [stream, ...pieces(eventsOf(tag), many).map(chunk), '0\r\n\r\n'];
    case 'until close':
      return [
        `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n`,
        ...pieces(body, many),
        'close',
      ];
    case 'interim':
      return ['HTTP/1.1 100 Continue\r\n\r\n'.repeat(many), withLength(body)];
    case 'no content':
      return ['HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n'];
    case 'large':
      return pieces(withLength(largeOf(tag)), 4);
    case 'reset':
      return ['reset'];
    case 'cut head':
      return [`HTTP/1.1 200 OK\r\nX-Tag: ${tag}`, form & 2 ? 'close' : 'reset'];
    case 'cut body':
      return [withLength(body).slice(0, -many), form & 2 ? 'close' : 'reset'];
    case 'cut chunks':
      return [chunked + chunk(half), form & 2 ? 'close' : 'reset'];
    case 'cut events':
      return [stream + chunk(`data: ${half}`), form & 2 ? 'close' : 'reset'];
    case 'twice':
      return ['spoilt', withLength(body) + withLength(body).slice(0, form & 2 ? undefined : 10 + many)];
    case 'twice, late':
      return [withLength(body), 'late', withLength(body)];
    case 'garbage':
      return ['spoilt', garbageOf(tag, form >> 1), 'stall', 'close'];
    case 'stall':
      return ['stall', withLength(body)];
    case 'stall in events':
      return [stream + chunk(`data: {"tag":"${tag}"}\n\n`), 'stall', chunk(`data: ${body}\n\n`), '0\r\n\r\n'];
  }
}

function garbageOf(tag: string, form: number): string {
  const body = bodyOf(tag);
  const forms = [
    `${tag}\r\n\r\n`,
    withLength(body, 'Transfer-Encoding: chunked\r\n'),
    withLength(body, `Content-Length: ${body.length + 5}\r\n`),
    withLength(body, `X-A: ${tag}\r\n folded\r\n`),
    withLength(body).replaceAll('\r\n', '\n'),
    withLength(body, `X-A: ${tag}\rContent-Length: 1\r\n`),
    `HTTP/1.1 103 Early Hints\r\nLink: ${tag}\r\n\r\n${withLength(body)}`,
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${tag}\r\n\r\n`,
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz${tag}\r\n`,
    `HTTP/1.1 200 OK\r\nX-A: ${tag.repeat(6_000)}`,
  ];
  return forms[form % forms.length]!;
}

/** The sidecar's own requests, by which it finds out what the server is and which tools it has. */
function answerSidecar(socket: Socket, head: string, body: string): void {
  const method = /"method":"([^"]+)"/.exec(body)?.[1];
  const id = /"id":("[^"]*"|\d+)/.exec(body)?.[1] ?? 'null';
  const result = (value: string): string => withLength(`{"jsonrpc":"2.0","id":${id},"result":${value}}`);
  if (head.startsWith('GET')) socket.write('HTTP/1.1 405 X\r\nContent-Length: 0\r\n\r\n');
  else if (method === 'server/discover') socket.write('HTTP/1.1 400 X\r\nContent-Length: 0\r\n\r\n');
  else if (method === 'initialize')
    socket.write(
      result(
        '{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"x","version":"1"}}',
      ),
    );
  else if (method === 'tools/list') socket.write(result('{"tools":[]}'));
  else socket.write('HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n');
}
