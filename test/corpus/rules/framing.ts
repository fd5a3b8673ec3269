/** HTTP that ends in one place for a proxy and in another for a server: llhttp's advisories, and RFC 9112. */
import { head, LEGACY_HEADERS, post, type Header, type Input } from '../input.ts';
import { callSafe, request } from '../message.ts';

const SAFE = callSafe();
const EVIL = post(request('tools/call', ['name', '"evil"'])).toString('latin1');
const LENGTH: Header = ['Content-Length', String(SAFE.length)];
const CHUNKED: Header = ['Transfer-Encoding', 'chunked'];
const chunk = (text: string, extension = ''): string =>
  `${text.length.toString(16)}${extension}\r\n${text}\r\n`;
const CHUNKS = `${chunk(SAFE)}0\r\n\r\n`;

const raw = (headers: readonly Header[], body: string, line?: string): string =>
  head([...LEGACY_HEADERS, ...headers], line).toString('latin1') + body;
/** Puts a line as it is among the headers. */
const withLine = (line: string, body = SAFE): string =>
  raw([LENGTH], body).replace('Accept:', () => `${line}Accept:`);

/** Two requests for a parser that errs, one or none for others. */
const REFUSED: Readonly<Record<string, string>> = {
  'length and chunks': raw([LENGTH, CHUNKED], CHUNKS + EVIL),
  'chunks and length': raw([CHUNKED, ['Content-Length', '5']], CHUNKS + EVIL),
  'two lengths': raw([['Content-Length', '5'], LENGTH], SAFE + EVIL),
  'two lengths that are equal': raw([LENGTH, LENGTH], SAFE),
  'two lengths in one header': raw([['Content-Length', `${SAFE.length}, ${SAFE.length}`]], SAFE),
  'a length with a sign': raw([['Content-Length', `+${SAFE.length}`]], SAFE),
  'a negative length': raw([['Content-Length', '-1']], SAFE),
  'a length in hexadecimal': raw([['Content-Length', `0x${SAFE.length.toString(16)}`]], SAFE),
  'a length with a space inside': raw([['Content-Length', '1 0']], SAFE),
  'an empty length': raw([['Content-Length', '']], SAFE),
  'a length beyond 64 bits': raw([['Content-Length', '99999999999999999999']], SAFE),
  'chunked twice': raw([CHUNKED, CHUNKED], CHUNKS + EVIL),
  'chunked, then identity': raw([['Transfer-Encoding', 'chunked, identity']], CHUNKS + EVIL),
  'an unknown coding': raw([['Transfer-Encoding', 'xchunked']], CHUNKS + EVIL),
  'an unknown coding and a length': raw([LENGTH, ['Transfer-Encoding', 'x']], SAFE + EVIL),
  'identity and a length': raw([LENGTH, ['Transfer-Encoding', 'identity']], SAFE + EVIL),
  'CVE-2021-22959: a space before the colon': withLine('Transfer-Encoding : chunked\r\n'),
  'CVE-2021-22960: a bare LF behind a chunk extension': raw(
    [CHUNKED],
    `${chunk(SAFE, ';x\n')}0\r\n\r\n${EVIL}`,
  ),
  'CVE-2022-32213: Transfer-Encoding that is no token': raw(
    [['Transfer-Encoding', 'chunked\u000b']],
    CHUNKS + EVIL,
  ),
  'CVE-2022-32214: headers that end in LF': raw([LENGTH], SAFE).replaceAll('\r\n', '\n'),
  'CVE-2022-32215: Transfer-Encoding on two lines': withLine(
    'Transfer-Encoding:\r\n chunked\r\n',
    CHUNKS + EVIL,
  ),
  'CVE-2022-35256: a header that ends in LF': withLine('X: y\n'),
  'CVE-2023-30589: a header that ends in CR': withLine('X: y\rTransfer-Encoding: chunked\r\n', CHUNKS + EVIL),
  'CVE-2024-27982: a space before Content-Length': raw([], SAFE).replace(
    'Accept:',
    ` Content-Length: ${SAFE.length}\r\nAccept:`,
  ),
  'CVE-2025-23167: headers that end in CR LF CR and a letter': raw([LENGTH], SAFE).replace(
    '\r\n\r\n',
    '\r\n\rX\r\n\r\n',
  ),
  'a folded header': withLine('X: y\r\n z\r\n'),
  'a NUL in a header': withLine('X: y\0z\r\n'),
  'a NUL in a header name': withLine('X\0: y\r\n'),
  'a header without a colon': withLine('X\r\n'),
  'a header without a name': withLine(': y\r\n'),
  'a space first in the headers': raw([LENGTH], SAFE).replace('Host:', ' Host:'),
  'chunk size with a sign': raw([CHUNKED], `+${CHUNKS}`),
  'chunk size with 0x': raw([CHUNKED], `0x${CHUNKS}`),
  'chunk size that is none': raw([CHUNKED], `x${CHUNKS}`),
  'chunk size beyond 64 bits': raw([CHUNKED], `1${'0'.repeat(16)}${CHUNKS}`),
  'a chunk longer than its size': raw([CHUNKED], `5\r\n${SAFE}\r\n0\r\n\r\n`),
  'a chunk that ends in LF': raw([CHUNKED], `${SAFE.length.toString(16)}\r\n${SAFE}\n0\r\n\r\n`),
  'chunk sizes that end in LF': raw([CHUNKED], `${SAFE.length.toString(16)}\n${SAFE}\r\n0\r\n\r\n`),
  'a body cut short': raw([['Content-Length', String(SAFE.length + 1)]], SAFE),
  'a body longer than its length': raw([['Content-Length', '5']], SAFE),
  'no length and no chunks': raw([], SAFE),
  'no host': raw([LENGTH], SAFE).replace('Host: 127.0.0.1\r\n', ''),
  'two hosts': withLine('Host: 127.0.0.1\r\n'),
  'HTTP/0.9': `POST /mcp\r\n\r\n${SAFE}`,
  'HTTP/1.2': raw([LENGTH], SAFE, 'POST /mcp HTTP/1.2'),
  'HTTP/2.0': raw([LENGTH], SAFE, 'POST /mcp HTTP/2.0'),
  'a method in small letters': raw([LENGTH], SAFE, 'post /mcp HTTP/1.1'),
  'a tab in the first line': raw([LENGTH], SAFE, 'POST\t/mcp HTTP/1.1'),
  PUT: raw([LENGTH], SAFE, 'PUT /mcp HTTP/1.1'),
  CONNECT: raw([LENGTH], SAFE, 'CONNECT 127.0.0.1:80 HTTP/1.1'),
  'a path above': raw([LENGTH], SAFE, 'POST /x/../mcp HTTP/1.1'),
  'a path in escapes': raw([LENGTH], SAFE, 'POST /%6dcp HTTP/1.1'),
  'a path in capitals': raw([LENGTH], SAFE, 'POST /MCP HTTP/1.1'),
  'a path with a slash behind': raw([LENGTH], SAFE, 'POST /mcp/ HTTP/1.1'),
};
const UNDERSTOOD: Readonly<Record<string, string>> = {
  chunks: raw([CHUNKED], CHUNKS),
  'a chunk for each letter': raw([CHUNKED], `${[...SAFE].map((letter) => chunk(letter)).join('')}0\r\n\r\n`),
  'a chunk extension': raw([CHUNKED], `${chunk(SAFE, ';x=y')}0\r\n\r\n`),
  'chunk sizes in capitals, with zeros': raw(
    [CHUNKED],
    `000${SAFE.length.toString(16).toUpperCase()}\r\n${SAFE}\r\n0\r\n\r\n`,
  ),
  'a length with zeros': raw([['Content-Length', `000${SAFE.length}`]], SAFE),
  'a query': raw([LENGTH], SAFE, 'POST /mcp?name=evil HTTP/1.1'),
  'headers in capitals': raw([LENGTH], SAFE).replace('Content-Type', 'CONTENT-TYPE'),
  'headers that are the proxy’s own affair': raw(
    [LENGTH, ['X-HTTP-Method-Override', 'DELETE'], ['X-Original-URL', '/evil'], ['Forwarded', 'for=evil']],
    SAFE,
  ),
};
const JUDGED: Readonly<Record<string, string>> = {
  'two spaces in the first line': raw([LENGTH], SAFE, 'POST  /mcp HTTP/1.1'),
  trailers: raw([CHUNKED], `${chunk(SAFE)}0\r\nMcp-Name: evil\r\nContent-Length: 3\r\n\r\n`),
  'an absolute path': raw([LENGTH], SAFE, 'POST http://evil/mcp HTTP/1.1'),
  'HTTP/1.0': raw([LENGTH], SAFE, 'POST /mcp HTTP/1.0'),
  'empty lines first': `\r\n\r\n${raw([LENGTH], SAFE)}`,
  'a second request behind': raw([LENGTH], SAFE).replace('Connection: close\r\n', '') + EVIL,
  'a hop-by-hop header that is named': raw([LENGTH, ['Connection', 'close, Content-Type']], SAFE),
  'Expect: 100-continue': raw([LENGTH, ['Expect', '100-continue']], SAFE),
  'Expect of something else': raw([LENGTH, ['Expect', 'x']], SAFE),
  'an upgrade to h2c': raw(
    [LENGTH, ['Upgrade', 'h2c'], ['HTTP2-Settings', 'AAMAAABkAAQAoAAAAAIAAAAA']],
    SAFE,
  ),
  'chunked in capitals': raw([['Transfer-Encoding', 'CHUNKED']], CHUNKS),
  'CVE-2024-22019: a long chunk extension': raw(
    [CHUNKED],
    `${chunk(SAFE, `;x=${'y'.repeat(20_000)}`)}0\r\n\r\n`,
  ),
};

const inputs = (expect: Input['expect'], rows: Readonly<Record<string, string>>): Input[] =>
  Object.entries(rows).map(([title, text]) => ({
    rule: 'framing of HTTP',
    title,
    expect,
    era: 'legacy',
    framing: true,
    bytes: Buffer.from(text, 'latin1'),
  }));

export const framingInputs: readonly Input[] = [
  ...inputs('refused', REFUSED),
  ...inputs('understood', UNDERSTOOD),
  ...inputs('judged', JUDGED),
];
