/** Responses that are refused, responses that are read, and a generator of well-formed ones. */
import fc from 'fast-check';
import { MAX_HEAD_BYTES } from '../../../sidecar/upstream/http-response.ts';
import type { Outcome } from './read-parts.ts';

export const OK = 'HTTP/1.1 200 OK\r\n';
export const BODY_OK = 'Content-Length: 2\r\n\r\nhi';
export const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;

/** Name, bytes, what the error says; `eof` when the connection ends behind them. */
export const REFUSED: readonly (readonly [string, string, RegExp, 'eof'?])[] = [
  ['101', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n', /status 101/],
  ['100 with a length', `HTTP/1.1 100 X\r\nContent-Length: 0\r\n\r\n${OK}${BODY_OK}`, /status 100/],
  ['100 that closes', `HTTP/1.1 100 X\r\nConnection: close\r\n\r\n${OK}${BODY_OK}`, /status 100/],
  ['100 of HTTP/1.0', `HTTP/1.0 100 X\r\n\r\n${OK}${BODY_OK}`, /status 100/],
  ['100 with a coding', `HTTP/1.1 100 X\r\nTransfer-Encoding: chunked\r\n\r\n`, /status 100/],
  ['103', `HTTP/1.1 103 Early Hints\r\n\r\n${OK}${BODY_OK}`, /status 103/],
  ['status 600', `HTTP/1.1 600 X\r\n${BODY_OK}`, /not an HTTP/],
  ['status 20', `HTTP/1.1 20 X\r\n${BODY_OK}`, /not an HTTP/],
  ['HTTP/2', `HTTP/2.0 200 OK\r\n${BODY_OK}`, /not an HTTP/],
  ['HTTP/1.2', `HTTP/1.2 200 OK\r\n${BODY_OK}`, /not an HTTP/],
  ['another protocol', `SSH-2.0-x\r\n\r\n`, /not an HTTP/],
  ['a blank line in front', `\r\n${OK}${BODY_OK}`, /not an HTTP/],
  ['a control character in the reason', `HTTP/1.1 200 O\x01K\r\n${BODY_OK}`, /not an HTTP/],
  ['a bare LF behind the status line', 'HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nhi', /not an HTTP/],
  ['a bare LF between headers', `${OK}A: b\n${BODY_OK}`, /bare/],
  ['a bare LF at the end of a header', `${OK}A: b\n\r\n${BODY_OK}`, /bare/],
  ['a bare CR inside a header', `${OK}A: b\rc\r\n${BODY_OK}`, /bare/],
  ['a bare CR at the end of a header', `${OK}A: b\r\r\n${BODY_OK}`, /bare/],
  ['a bare CR in front of a value', `${OK}Content-Length:\r2\r\n\r\nhi`, /bare/],
  ['a NUL in a header', `${OK}A: b\0\r\n${BODY_OK}`, /bare/],
  ['a folded header', `${OK}A: b\r\n c\r\n${BODY_OK}`, /without a name/],
  ['a folded header with a colon', `${OK}A: b\r\n\tC: d\r\n${BODY_OK}`, /without a name/],
  ['a folded header at the start', `${OK} A: b\r\n${BODY_OK}`, /without a name/],
  ['a space in front of the colon', `${OK}Content-Length : 2\r\n\r\nhi`, /without a name/],
  ['a header without a name', `${OK}: b\r\n${BODY_OK}`, /without a name/],
  ['a header without a colon', `${OK}Ab\r\n${BODY_OK}`, /without a name/],
  ['a header name beyond ASCII', `${OK}\xe9: b\r\n${BODY_OK}`, /without a name/],
  ['Content-Length and Transfer-Encoding', `${OK}Transfer-Encoding: chunked\r\n${BODY_OK}`, /both/],
  ['two Content-Length headers', `${OK}Content-Length: 2\r\n${BODY_OK}`, /two content-length/i],
  ['two different Content-Length headers', `${OK}content-length: 3\r\n${BODY_OK}`, /two content-length/i],
  ['a list of lengths', `${OK}Content-Length: 2, 2\r\n\r\nhi`, /no number/],
  ['a negative length', `${OK}Content-Length: -2\r\n\r\nhi`, /no number/],
  ['a length with a sign', `${OK}Content-Length: +2\r\n\r\nhi`, /no number/],
  ['a hexadecimal length', `${OK}Content-Length: 0x2\r\n\r\nhi`, /no number/],
  ['an empty length', `${OK}Content-Length:\r\n\r\nhi`, /no number/],
  ['a length beyond a double', `${OK}Content-Length: 99999999999999999999\r\n\r\nhi`, /no number/],
  ['a length behind a no-break space', `${OK}Content-Length: \xa02\r\n\r\nhi`, /no number/],
  ['a length with a form feed', `${OK}Content-Length: 2\f\r\n\r\nhi`, /control character/],
  [
    'two Transfer-Encoding headers',
    `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`,
    /two transfer/i,
  ],
  ['gzip, chunked', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n`, /other than chunked/],
  ['identity', `${OK}Transfer-Encoding: identity\r\n\r\n`, /other than chunked/],
  ['chunked with a vertical tab', `${OK}Transfer-Encoding: \x0bchunked\r\n\r\n`, /control character/],
  ['chunked in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', /other than chunked/],
  ['a chunk without a size', `${CHUNKED}\r\n`, /without a size/],
  ['chunked with a tab', `${OK}Transfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n`, /a tab in/],
  ['a length with a tab', `${OK}Content-Length:\t2\r\n\r\nhi`, /a tab in/],
  ['white space behind a chunk size', `${CHUNKED}2 \t;x\r\nhi\r\n0\r\n\r\n`, /without a size/],
  ['a chunk extension without a name', `${CHUNKED}2;\r\nhi\r\n0\r\n\r\n`, /without a size/],
  ['a chunk extension that does not end', `${CHUNKED}2;a="\r\nhi\r\n0\r\n\r\n`, /without a size/],
  ['a trailer without a name', `${CHUNKED}0\r\nx\r\n\r\n`, /without a name/],
  ['a folded trailer', `${CHUNKED}0\r\nA: b\r\n c\r\n\r\n`, /without a name/],
  ['a trailer with a bare CR', `${CHUNKED}0\r\nA: b\rc\r\n\r\n`, /bare/],
  ['a trailer that frames', `${CHUNKED}0\r\nContent-Length: 2\r\n\r\n`, /belongs into the head/],
  ['a control character in a header', `${OK}A: \x01\r\n${BODY_OK}`, /control character/],
  ['DEL in a header', `${OK}A: \x7f\r\n${BODY_OK}`, /control character/],
  [
    'interim responses over 16 KiB',
    `${'HTTP/1.1 100 Continue\r\n\r\n'.repeat(700)}${OK}${BODY_OK}`,
    /16 KiB/,
  ],
  ['a chunk size that is no number', `${CHUNKED}xy\r\n`, /without a size/],
  ['a chunk size with a prefix', `${CHUNKED}0x2\r\nhi\r\n0\r\n\r\n`, /without a size/],
  ['a chunk size with a sign', `${CHUNKED}-2\r\n`, /without a size/],
  ['a chunk size beyond 32 bits', `${CHUNKED}100000000\r\n`, /without a size/],
  ['a space in front of a chunk size', `${CHUNKED} 2\r\nhi\r\n`, /without a size/],
  ['a chunk line ended by LF', `${CHUNKED}2\nhi\r\n0\r\n\r\n`, /bare LF/],
  ['a bare CR in a chunk extension', `${CHUNKED}2;a\rb\r\nhi\r\n`, /without a size/],
  ['a chunk line that does not end', `${CHUNKED}2;${'a'.repeat(300)}`, /too long/],
  ['a chunk longer than its size', `${CHUNKED}2\r\nhi!\r\n0\r\n\r\n`, /longer/],
  ['a chunk ended by LF', `${CHUNKED}2\r\nhi\n0\r\n\r\n`, /longer/],
  ['trailers without an end', `${CHUNKED}0\r\n${`a: ${'b'.repeat(200)}\r\n`.repeat(90)}`, /trailers/],
  ['headers over 16 KiB', `${OK}A: ${'b'.repeat(MAX_HEAD_BYTES)}\r\n${BODY_OK}`, /16 KiB/],
  ['headers that do not end', `${OK}A: ${'b'.repeat(MAX_HEAD_BYTES)}`, /16 KiB/],
  ['bytes behind a fixed body', `${OK}${BODY_OK}!`, /bytes after/],
  ['a second response', `${OK}${BODY_OK}${OK}${BODY_OK}`, /bytes after/],
  ['bytes behind the last chunk', `${CHUNKED}0\r\n\r\n!`, /bytes after/],
  ['a body with 204', 'HTTP/1.1 204 No Content\r\n\r\nhi', /bytes after/],
  ['a body with 304', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nhi', /bytes after/],
  ['an end before the response', '', /inside/, 'eof'],
  ['an end in the headers', OK, /inside/, 'eof'],
  ['an end behind 100', 'HTTP/1.1 100 Continue\r\n\r\n', /inside/, 'eof'],
  ['an end in a fixed body', `${OK}Content-Length: 3\r\n\r\nhi`, /inside/, 'eof'],
  ['an end in a chunk', `${CHUNKED}3\r\nhi`, /inside/, 'eof'],
  ['an end between chunks', `${CHUNKED}2\r\nhi\r\n`, /inside/, 'eof'],
  ['an end in the trailers', `${CHUNKED}0\r\n`, /inside/, 'eof'],
];

export const ACCEPTED: readonly (readonly [string, string, Partial<Outcome>, 'eof'?])[] = [
  ['a fixed body', OK + BODY_OK, { status: 200, contentLength: 2, body: 'hi', end: { reusable: true } }],
  [
    'an empty body',
    `${OK}Content-Length: 0\r\n\r\n`,
    { contentLength: 0, body: '', end: { reusable: true } },
  ],
  ['no reason', `HTTP/1.1 200\r\n${BODY_OK}`, { body: 'hi', end: { reusable: true } }],
  ['a reason beyond ASCII', `HTTP/1.1 200 Tr\xe8s bien\r\n${BODY_OK}`, { body: 'hi' }],
  [
    '100 in front',
    `HTTP/1.1 100 Continue\r\nA: b\r\n\r\n${OK}${BODY_OK}`,
    { status: 200, headers: { 'content-length': '2' } },
  ],
  [
    '204',
    'HTTP/1.1 204 No Content\r\n\r\n',
    { status: 204, contentLength: undefined, body: '', end: { reusable: true } },
  ],
  [
    '304 with a length',
    'HTTP/1.1 304 X\r\nContent-Length: 9\r\n\r\n',
    { contentLength: undefined, end: { reusable: true } },
  ],
  ['repeated headers', `${OK}A: b\r\na:c\r\n${BODY_OK}`, { headers: { a: 'b, c', 'content-length': '2' } }],
  [
    'white space around values',
    `${OK}A: \t b c \t\r\n${BODY_OK}`,
    { headers: { a: 'b c', 'content-length': '2' } },
  ],
  ['an empty value', `${OK}A:\r\n${BODY_OK}`, { headers: { a: '', 'content-length': '2' } }],
  [
    'chunks',
    `${CHUNKED}2\r\nhi\r\nA\r\n0123456789\r\n0\r\n\r\n`,
    { contentLength: undefined, body: 'hi0123456789', end: { reusable: true } },
  ],
  [
    'chunk extensions',
    `${CHUNKED}2;a=b;c="d"\r\nhi\r\n2;x\r\n!!\r\n0;z\r\n\r\n`,
    { body: 'hi!!', end: { reusable: true } },
  ],
  ['trailers', `${CHUNKED}2\r\nhi\r\n0\r\nX-T: 1\r\n\r\n`, { body: 'hi', end: { reusable: true } }],
  [
    'Chunked in another case',
    `${OK}Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n`,
    { body: '', end: { reusable: true } },
  ],
  ['close', `${OK}Connection: close\r\n${BODY_OK}`, { body: 'hi', end: { reusable: false } }],
  ['Close among others', `${OK}Connection: x, Close\r\n${BODY_OK}`, { end: { reusable: false } }],
  ['Proxy-Connection', `${OK}Proxy-Connection: close\r\n${BODY_OK}`, { end: { reusable: false } }],
  ['HTTP/1.0', `HTTP/1.0 200 OK\r\n${BODY_OK}`, { body: 'hi', end: { reusable: false } }],
  [
    'HTTP/1.0 with keep-alive',
    `HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n${BODY_OK}`,
    { end: { reusable: true } },
  ],
  [
    'a body until the end',
    `${OK}\r\nhi`,
    { contentLength: undefined, body: 'hi', end: { reusable: false } },
    'eof',
  ],
  ['no body until the end', 'HTTP/1.0 200 OK\r\n\r\n', { body: '', end: { reusable: false } }, 'eof'],
  ['headers of almost 16 KiB', `${OK}A: ${'b'.repeat(MAX_HEAD_BYTES - 200)}\r\n${BODY_OK}`, { body: 'hi' }],
];

const body = fc.string({ maxLength: 60, unit: 'binary-ascii' });
const field = fc
  .tuple(
    fc.constantFrom('X-A', 'x-b', 'X-C', 'Cache-Control', 'Mcp-Session-Id'),
    fc.stringMatching(/^[!-~]([ -~]{0,8}[!-~])?$/),
  )
  .map(([name, value]) => `${name}: ${value}\r\n`);
const chunks = fc.array(fc.string({ minLength: 1, maxLength: 20, unit: 'binary-ascii' }), { maxLength: 4 });
const framing = fc.oneof(
  body.map((text) => `Content-Length: ${text.length}\r\n\r\n${text}`),
  body.map((text) => `Connection: close\r\n\r\n${text}`),
  fc
    .tuple(chunks, fc.constantFrom('', ';a=b', ';c'))
    .map(
      ([parts, extension]) =>
        `Transfer-Encoding: chunked\r\n\r\n${parts.map((part) => `${part.length.toString(16)}${extension}\r\n${part}\r\n`).join('')}0\r\n\r\n`,
    ),
);
export const wellFormed = fc
  .tuple(
    fc.boolean(),
    fc.constantFrom('200 OK', '202 Accepted', '400 Bad Request', '404', '503 Service Unavailable'),
    fc.uniqueArray(field, { maxLength: 4, selector: (line) => line.split(':', 1)[0] }),
    framing,
  )
  .map(
    ([early, status, fields, rest]) =>
      `${early ? 'HTTP/1.1 100 Continue\r\n\r\n' : ''}HTTP/1.1 ${status}\r\n${fields.join('')}${rest}`,
  );
