/** What a server may do to a call, as data, and what exactly its caller gets. */
import { answer, event, PROGRESS, result, stream, type RawRequest, type Script } from './raw-server.ts';

export interface HostileAnswer {
  readonly title: string;
  readonly does: Script;
  readonly gets:
    | { readonly status: number; readonly error: RegExp }
    | { readonly status: number; readonly body: RegExp }
    /** The answer begins, and breaks off. */
    | 'cut';
  readonly outcome: string;
}

const OK = 'HTTP/1.1 200 OK\r\n';
const JSON_TYPE = 'Content-Type: application/json\r\n';
const raw =
  (text: string): Script =>
  ({ socket }) =>
    void socket.write(text, 'latin1');
const rawEnd =
  (text: string): Script =>
  ({ socket }) =>
    void socket.end(text, 'latin1');
const broken = (words: RegExp) => ({ gets: { status: 502, error: words }, outcome: 'error' }) as const;
const timeout = {
  gets: { status: 504, error: /did not answer in time: server tested, port \d+: no byte came for 1 s/ },
  outcome: 'error',
} as const;
const inStream = (words: RegExp) => ({ gets: { status: 200, error: words }, outcome: 'error' }) as const;
const cut = { gets: 'cut', outcome: 'error' } as const;
const whole = (request: RawRequest): string =>
  JSON.stringify({ jsonrpc: '2.0', id: request.message?.id, result: { content: [] } });

export const HOSTILE_ANSWERS: readonly HostileAnswer[] = [
  // It hangs.
  { title: 'accepts and never answers', does: () => undefined, ...timeout },
  { title: 'hangs in the head', does: raw(`${OK}Content-Ty`), ...timeout },
  { title: 'hangs after the head', does: raw(`${OK}${JSON_TYPE}Content-Length: 100\r\n\r\n`), ...timeout },
  { title: 'hangs in the body', does: raw(`${OK}${JSON_TYPE}Content-Length: 100\r\n\r\n{"json`), ...timeout },
  {
    title: 'hangs between chunks',
    does: raw(`${OK}${JSON_TYPE}Transfer-Encoding: chunked\r\n\r\n5\r\n{"jso\r\n`),
    ...timeout,
  },
  { title: 'hangs after the head of a stream', does: (each) => void stream(each), ...inStream(/in time/) },
  { title: 'hangs after progress', does: (each) => stream(each)(PROGRESS), ...inStream(/in time/) },
  { title: 'hangs in an event', does: (each) => stream(each)('data: {"jsonrpc"'), ...cut },
  {
    title: 'hangs in a stream that could be taken up again',
    does: (each) => stream(each)(`id: 1\n${PROGRESS}`),
    ...inStream(/in time/),
  },

  // It goes.
  { title: 'closes without an answer', does: ({ socket }) => void socket.end(), ...broken(/ended inside/) },
  {
    title: 'resets the connection',
    does: ({ socket }) => void socket.resetAndDestroy(),
    ...broken(/ECONNRESET/),
  },
  { title: 'closes in the head', does: rawEnd(`${OK}Content-`), ...broken(/ended inside/) },
  {
    title: 'closes in the body',
    does: rawEnd(`${OK}${JSON_TYPE}Content-Length: 100\r\n\r\n{"jsonrpc":`),
    ...broken(/ended inside/),
  },
  {
    title: 'closes between chunks',
    does: rawEnd(`${OK}${JSON_TYPE}Transfer-Encoding: chunked\r\n\r\n5\r\n{"jso\r\n`),
    ...broken(/ended inside/),
  },
  {
    title: 'closes in a stream',
    does: (each) => (stream(each)(PROGRESS), each.socket.end()),
    ...inStream(/broke the connection/),
  },
  { title: 'closes in an event', does: (each) => (stream(each)('data: {'), each.socket.end()), ...cut },
  {
    title: 'closes in a stream that can be taken up again',
    does: (each) => (stream(each)(`id: 1\n${PROGRESS}`), each.socket.end()),
    ...cut,
  },

  // It does not speak HTTP, or not one reading of it.
  { title: 'speaks something else', does: raw('SSH-2.0-OpenSSH_9.9\r\n\r\n'), ...broken(/not an HTTP\/1.1/) },
  { title: 'speaks TLS', does: raw('\x15\x03\x01\x00\x02\x02\x46\r\n\r\n'), ...broken(/not an HTTP\/1.1/) },
  { title: 'speaks HTTP/2', does: raw('HTTP/2 200 OK\r\n\r\n'), ...broken(/not an HTTP\/1.1/) },
  { title: 'sends no line end', does: rawEnd('x'.repeat(20_000)), ...broken(/16 KiB/) },
  { title: 'sends a huge head', does: raw(`${OK}X: ${'x'.repeat(20_000)}\r\n\r\n`), ...broken(/16 KiB/) },
  {
    title: 'says two lengths',
    does: raw(`${OK}${JSON_TYPE}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} `),
    ...broken(/two Content-Length/),
  },
  {
    title: 'says a length and chunks',
    does: raw(`${OK}${JSON_TYPE}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`),
    ...broken(/both Content-Length/),
  },
  {
    title: 'compresses',
    does: raw(`${OK}${JSON_TYPE}Transfer-Encoding: gzip\r\n\r\nxx`),
    ...broken(/other than chunked/),
  },
  {
    title: 'breaks its chunks',
    does: raw(`${OK}${JSON_TYPE}Transfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n`),
    ...broken(/longer than its size/),
  },
  { title: 'switches protocols', does: raw('HTTP/1.1 101 X\r\nUpgrade: x\r\n\r\n'), ...broken(/status 101/) },
  {
    title: 'hints early',
    does: raw('HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n'),
    ...broken(/status 103/),
  },
  {
    title: 'says less than it sends',
    does: (each) => raw(`${OK}${JSON_TYPE}Content-Length: 10\r\n\r\n${whole(each)}`)(each),
    ...broken(/not JSON|after the response/),
  },

  // It speaks HTTP and not MCP.
  { title: 'answers no JSON', does: (each) => answer(each, 200, '{"jsonrpc":"2.0",'), ...broken(/not JSON/) },
  { title: 'answers a number', does: (each) => answer(each, 200, '7'), ...broken(/not a JSON-RPC response/) },
  { title: 'answers a list', does: (each) => answer(each, 200, '[]'), ...broken(/not a JSON-RPC response/) },
  {
    title: 'answers an empty object',
    does: (each) => answer(each, 200, '{}'),
    ...broken(/not a JSON-RPC response/),
  },
  {
    title: 'answers with the id of another',
    does: (each) => answer(each, 200, '{"jsonrpc":"2.0","id":"someone else","result":{}}'),
    ...broken(/id of another request/),
  },
  {
    title: 'answers with the id of another, and the right one further in',
    does: (each) =>
      answer(
        each,
        200,
        `{"jsonrpc":"2.0","id":"someone else","result":{"structuredContent":{"id":"${String(each.message?.id)}"}}}`,
      ),
    ...broken(/id of another request/),
  },
  {
    title: 'answers with an id of another type',
    does: (each) => answer(each, 200, '{"jsonrpc":"2.0","id":7,"result":{}}'),
    ...broken(/id of another request/),
  },
  {
    title: 'answers a page',
    does: (each) => answer(each, 200, '<html>welcome</html>', 'Content-Type: text/html\r\n'),
    ...broken(/status 200 with text\/html/),
  },
  { title: 'answers nothing', does: (each) => answer(each, 202, ''), ...broken(/status 202 with nothing/) },
  {
    title: 'redirects',
    does: (each) => answer(each, 307, '', 'Location: /mcp/\r\n'),
    ...broken(/redirect, which is not followed: status 307 to \/mcp\//),
  },
  {
    title: 'asks for credentials',
    does: (each) => answer(each, 401, '{}', 'WWW-Authenticate: Bearer\r\n'),
    ...broken(/asks the proxy for credentials/),
  },

  // Its word, and passed on as it is.
  {
    title: 'answers an error page',
    does: (each) => answer(each, 500, '<h1>Traceback</h1>', 'Content-Type: text/html\r\n'),
    gets: { status: 500, body: /Traceback/ },
    outcome: 'error',
  },
  {
    title: 'is overloaded',
    does: (each) => answer(each, 503, 'later', 'Content-Type: text/plain\r\nRetry-After: 1\r\n'),
    gets: { status: 503, body: /later/ },
    outcome: 'error',
  },
  {
    title: 'cannot read the id',
    does: (each) =>
      answer(each, 200, '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"what?"}}'),
    gets: { status: 200, body: /what\?/ },
    outcome: 'application_error',
  },
  {
    title: 'says 100 first',
    does: (each) => (each.socket.write('HTTP/1.1 100 Continue\r\n\r\n'), result(each, {})),
    gets: { status: 200, body: /"result":{}/ },
    outcome: 'success',
  },
  {
    title: 'writes the id in its own way',
    does: (each) =>
      answer(each, 200, `{ "result" : {"a":1}, "id"\t:\t"${String(each.message?.id)}", "jsonrpc":"2.0" }`),
    gets: { status: 200, body: /"a":1/ },
    outcome: 'success',
  },
  {
    title: 'sends an event for another in the caller’s own stream',
    does: (each) => {
      const send = stream(each);
      send(event({ jsonrpc: '2.0', id: 'someone else', result: {} }));
      send(event({ jsonrpc: '2.0', id: each.message?.id, result: { a: 1 } }));
      each.socket.write('0\r\n\r\n');
    },
    gets: { status: 200, body: /"a":1/ },
    outcome: 'success',
  },
  {
    title: 'answers twice at once',
    does: (each) => (result(each, { n: 1 }), result(each, { n: 2 })),
    gets: { status: 200, body: /^(?!.*"n":2).*"n":1/ },
    outcome: 'success',
  },
  {
    title: 'answers twice, the second time a little later',
    does: (each) => {
      result(each, { n: 1 });
      setTimeout(() => result(each, { n: 2 }), 30);
    },
    gets: { status: 200, body: /^(?!.*"n":2).*"n":1/ },
    outcome: 'success',
  },
  {
    title: 'drips for longer than the limit',
    does: (each) => {
      const bytes = `${OK}${JSON_TYPE}Content-Length: ${whole(each).length}\r\n\r\n${whole(each)}`;
      const step = Math.ceil(bytes.length / 6);
      const timer = setInterval(() => {
        const sent = at;
        at += step;
        each.socket.write(bytes.slice(sent, at));
        if (at >= bytes.length) clearInterval(timer);
      }, 400);
      let at = 0;
    },
    gets: { status: 200, body: /"result":{"content":\[\]}/ },
    outcome: 'success',
  },
  {
    title: 'reports progress, or just comments, for longer than the limit',
    does: (each) => {
      const send = stream(each);
      let left = 6;
      const timer = setInterval(() => {
        if (left-- > 0) return send(left % 2 ? PROGRESS : ': still there\n\n');
        clearInterval(timer);
        send(event({ jsonrpc: '2.0', id: each.message?.id, result: { a: 1 } }));
        each.socket.write('0\r\n\r\n');
      }, 400);
    },
    gets: { status: 200, body: /"a":1/ },
    outcome: 'success',
  },
];
