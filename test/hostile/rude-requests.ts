/** Requests that break HTTP, or that two parsers read in two ways, and the one answer that each gets. */
import { call } from '../sidecar/wire/post.ts';

/** A call that must never reach the server. */
export const SMUGGLED_TOOL = 'smuggled';

export interface RudeRequest {
  readonly name: string;
  readonly bytes: string;
  /** `closed`: the connection ends without an answer. */
  readonly status: number | 'closed';
}

const BODY = JSON.stringify(call('echo', 'rude'));
const JSON_TYPE = 'Content-Type: application/json\r\n';
const HEAD = `POST /mcp HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}`;
const LENGTH = `Content-Length: ${BODY.length}\r\n`;
const hex = BODY.length.toString(16);
const CHUNKS = `${hex}\r\n${BODY}\r\n0\r\n\r\n`;

export function post(
  tool: string,
  { id = 'raw', headers = '' }: { id?: string; headers?: string } = {},
): string {
  const body = JSON.stringify(call(tool, id));
  return `${HEAD}${headers}Content-Length: ${body.length}\r\n\r\n${body}`;
}
const SMUGGLED = post(SMUGGLED_TOOL);
const withHeaders = (headers: string): string => `${HEAD}${headers}${LENGTH}\r\n${BODY}`;
const chunked = (chunks: string, headers = ''): string =>
  `${HEAD}${headers}Transfer-Encoding: chunked\r\n\r\n${chunks}`;
const target = (path: string, method = 'POST'): string =>
  `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}${LENGTH}\r\n${BODY}`;

type Row = readonly [name: string, bytes: string, status: number | 'closed'];

const FRAMING: readonly Row[] = [
  ['a proper request', withHeaders(''), 200],
  ['proper chunks', chunked(CHUNKS), 200],
  ['lengths before codings', `${HEAD}${LENGTH}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`, 400],
  ['codings before lengths', `${HEAD}Transfer-Encoding: chunked\r\n${LENGTH}\r\n0\r\n\r\n${SMUGGLED}`, 400],
  [
    'a length of 0 and a coding',
    `${HEAD}Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKS}`,
    400,
  ],
  ['two lengths', `${HEAD}${LENGTH}Content-Length: 0\r\n\r\n${BODY}`, 400],
  ['two equal lengths', `${HEAD}${LENGTH}${LENGTH}\r\n${BODY}`, 400],
  ['a list of lengths', `${HEAD}Content-Length: ${BODY.length}, ${BODY.length}\r\n\r\n${BODY}`, 400],
  ['a signed length', `${HEAD}Content-Length: +${BODY.length}\r\n\r\n${BODY}`, 400],
  ['a negative length', `${HEAD}Content-Length: -1\r\n\r\n${BODY}`, 400],
  ['a hexadecimal length', `${HEAD}Content-Length: 0x40\r\n\r\n${BODY}`, 400],
  ['a length with a space inside', `${HEAD}Content-Length: 1 0\r\n\r\n${BODY}`, 400],
  ['a length beyond 64 bits', `${HEAD}Content-Length: 99999999999999999999\r\n\r\n${BODY}`, 400],
  ['an empty length', `${HEAD}Content-Length:\r\n\r\n${SMUGGLED}`, 400],
  ['a coding nobody knows', `${HEAD}Transfer-Encoding: xchunked\r\n\r\n${CHUNKS}${SMUGGLED}`, 501],
  ['the coding identity', `${HEAD}Transfer-Encoding: identity\r\n\r\n${CHUNKS}${SMUGGLED}`, 501],
  ['two codings in a list', `${HEAD}Transfer-Encoding: gzip, chunked\r\n\r\n${CHUNKS}`, 501],
  ['chunked twice in a list', `${HEAD}Transfer-Encoding: chunked, chunked\r\n\r\n${CHUNKS}`, 400],
  ['chunked, then identity', `${HEAD}Transfer-Encoding: chunked, identity\r\n\r\n${CHUNKS}`, 400],
  ['two headers of codings', chunked(CHUNKS, 'Transfer-Encoding: chunked\r\n'), 400],
  ['two headers of unlike codings', chunked(CHUNKS, 'Transfer-Encoding: identity\r\n'), 400],
  ['a coding in other case', `${HEAD}transfer-encoding: CHUNKED\r\n\r\n${CHUNKS}`, 200],
  ['a coding after a tab', `${HEAD}Transfer-Encoding:\tchunked\r\n\r\n${CHUNKS}`, 200],
  ['a coding after a vertical tab', `${HEAD}Transfer-Encoding:\x0bchunked\r\n\r\n${CHUNKS}`, 400],
  ['a coding in quotes', `${HEAD}Transfer-Encoding: "chunked"\r\n\r\n${CHUNKS}`, 501],
  ['a space before the colon', `${HEAD}Transfer-Encoding : chunked\r\n\r\n${CHUNKS}`, 400],
  ['a coding in HTTP/1.0', chunked(CHUNKS).replace('HTTP/1.1', 'HTTP/1.0'), 505],
  ['neither length nor coding', `${HEAD}\r\n`, 400],
  ['a folded header', withHeaders('X-A: a\r\n b\r\n'), 400],
  ['a folded coding', `${HEAD}Transfer-Encoding:\r\n chunked\r\n\r\n${CHUNKS}`, 400],
  ['a folded first header', `POST /mcp HTTP/1.1\r\n X: y\r\nHost: localhost\r\n${LENGTH}\r\n${BODY}`, 400],
  ['bare LF at the end of a header', withHeaders('X-A: a\n'), 400],
  ['bare LF at the end of the head', `${HEAD}${LENGTH}\n${BODY}`, 400],
  ['bare LF at the end of the request line', withHeaders('').replace('\r\n', '\n'), 400],
  ['bare CR in a header', withHeaders('X-A: a\rTransfer-Encoding: chunked\r\n'), 400],
  ['NUL in a header', withHeaders('X-A: a\0b\r\n'), 400],
  ['NUL in a name', withHeaders('X\0A: a\r\n'), 400],
  ['a header without a colon', withHeaders('X-A\r\n'), 400],
  ['a header without a name', withHeaders(': a\r\n'), 400],
  ['a name with a space', withHeaders('X A: a\r\n'), 400],
  ['a name that is not ASCII', withHeaders('X-\xe9: a\r\n'), 400],
  ['a negative chunk', chunked(`-1\r\n${BODY}\r\n0\r\n\r\n`), 400],
  ['a chunk beyond 64 bits', chunked(`fffffffffffffffff\r\n${BODY}\r\n0\r\n\r\n`), 400],
  ['a chunk size with 0x', chunked(`0x${hex}\r\n${BODY}\r\n0\r\n\r\n`), 400],
  ['a chunk size and a space', chunked(`${hex} \r\n${BODY}\r\n0\r\n\r\n`), 400],
  ['an empty chunk size', chunked(`\r\n${BODY}\r\n0\r\n\r\n`), 400],
  ['a chunk longer than it says', chunked(`2\r\n${BODY}\r\n0\r\n\r\n`), 400],
  ['a chunk that ends in LF', chunked(`${hex}\r\n${BODY}\n0\r\n\r\n`), 400],
  ['a chunk size that ends in LF', chunked(`${hex}\n${BODY}\r\n0\r\n\r\n`), 400],
  ['a chunk extension', chunked(`${hex};a=b\r\n${BODY}\r\n0\r\n\r\n`), 200],
  ['a chunk extension with LF', chunked(`${hex};a\n${BODY}\r\n0\r\n\r\n`), 400],
  ['a chunk extension of 20 KiB', chunked(`${hex};${'a'.repeat(20_480)}\r\n${BODY}\r\n0\r\n\r\n`), 413],
  [
    'trailers that name who calls',
    chunked(`${hex}\r\n${BODY}\r\n0\r\nAuthorization: Bearer x\r\nHost: evil\r\n\r\n`),
    200,
  ],
  ['trailers of 20 KiB', chunked(`${hex}\r\n${BODY}\r\n0\r\nX: ${'a'.repeat(20_480)}\r\n\r\n`), 431],
];

const HEADS: readonly Row[] = [
  ...[
    'Host: localhost',
    'Content-Type: application/json',
    'Authorization: Bearer a',
    'X-MCP-AUTH: a',
    'Mcp-Session-Id: a',
    'MCP-Protocol-Version: 2025-11-25',
    'Mcp-Method: tools/call',
    'Mcp-Name: echo',
    'Mcp-Param-Region: a',
    'Last-Event-ID: 1',
    'Origin: http://localhost',
  ].map((line): Row => [`two of ${line}`, withHeaders(`${line}\r\n${line.toLowerCase()}\r\n`), 400]),
  ['a call behind one that is refused at its head', withHeaders('Host: localhost\r\n') + SMUGGLED, 400],
  ['two of a header that may be repeated', withHeaders('Accept: a/b\r\nAccept: c/d\r\n'), 200],
  ['no Host', withHeaders('').replace('Host: localhost\r\n', ''), 400],
  [
    'no Host in HTTP/1.0',
    withHeaders('').replace('Host: localhost\r\n', '').replace('HTTP/1.1', 'HTTP/1.0'),
    403,
  ],
  ['an empty Host', withHeaders('').replace('localhost', ''), 403],
  ['the Host of a page', withHeaders('').replace('localhost', 'evil.example'), 403],
  ['a Host with more', withHeaders('').replace('localhost', 'localhost/evil.example'), 403],
  ['the Origin of a page', withHeaders('Origin: https://evil.example\r\n'), 403],
  ['the Origin of nobody', withHeaders('Origin: null\r\n'), 403],
  ['HTTP/1.0', withHeaders('').replace('HTTP/1.1', 'HTTP/1.0'), 200],
  ['HTTP/0.9', 'GET /mcp\r\n\r\n', 505],
  ['HTTP/1.2', withHeaders('').replace('HTTP/1.1', 'HTTP/1.2'), 400],
  ['HTTP/2.0 in words', withHeaders('').replace('HTTP/1.1', 'HTTP/2.0'), 505],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
  ['garbage', '\0\0\0\0\xff\xff\r\n\r\n', 400],
  ['a method in lower case', target('/mcp', 'post'), 400],
  ['CONNECT', 'CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n', 405],
  ['TRACE', 'TRACE /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n', 405],
  ['PUT', target('/mcp', 'PUT'), 405],
  ['OPTIONS of a program', 'OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n', 405],
  ['OPTIONS of the server', 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
  ['a GET with a body', target('/mcp', 'GET'), 400],
  ['a DELETE with chunks', chunked(CHUNKS).replace('POST', 'DELETE'), 400],
  ['an upgrade to WebSocket', withHeaders('Connection: Upgrade\r\nUpgrade: websocket\r\n'), 200],
  [
    'an upgrade to HTTP/2',
    withHeaders('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n'),
    200,
  ],
  ['Expect: 100-continue', withHeaders('Expect: 100-continue\r\n'), 200],
  ['another expectation', withHeaders('Expect: banana\r\n'), 417],
  ['two expectations', withHeaders('Expect: 100-continue\r\nExpect: banana\r\n'), 400],
  ['absolute-form', target('http://localhost/mcp'), 400],
  ['absolute-form of another host', target('http://evil.example/mcp'), 400],
  ['a target without a slash', target('mcp'), 400],
  ...[
    '//mcp',
    '/mcp/',
    '/mcp;a',
    '/mcp%2f',
    '/%6dcp',
    '/%2e/mcp',
    '/./mcp',
    '/mcp/../mcp',
    '/mcp#a',
    '/MCP',
    '/mcp\\',
    '/',
  ].map((path): Row => [`the path ${path}`, target(path), 404]),
  ['a query', target('/mcp?a=b&/../c'), 200],
  ['a fragment in a query', target('/mcp?a#b'), 200],
  ['a target that is not ASCII', target('/mcp?\xc3\xa9'), 400],
  ['a target with a space', target('/mcp? a'), 400],
  ['a target of 5 KiB', target(`/mcp?${'a'.repeat(5_120)}`), 414],
  ['a target of 20 KiB', target(`/mcp?${'a'.repeat(20_480)}`), 431],
  ['a header of 20 KiB', withHeaders(`X: ${'a'.repeat(20_480)}\r\n`), 431],
  ['5,000 headers', withHeaders('a: b\r\n'.repeat(5_000)), 431],
];

export const RUDE_REQUESTS: readonly RudeRequest[] = [...FRAMING, ...HEADS].map(([name, bytes, status]) => ({
  name,
  bytes,
  status,
}));
