/** The reader of the server's responses against llhttp: what it takes, llhttp reads alike; what llhttp refuses, it does. */
import { ResponseError, ResponseReader } from '../../../sidecar/upstream/http-response.ts';
import type { Random } from '../engine/random.ts';
import { hold, holdEqual, type Target } from '../engine/target.ts';
import { readWithLlhttp } from '../oracles/llhttp.ts';
import { arrivals } from './cuts.ts';

interface Reading {
  status?: number;
  headers?: [string, string][];
  contentLength?: number | undefined;
  body: string;
  reusable?: boolean;
  error?: string;
}

export const framing: Target = {
  name: 'framing',
  covers: ['sidecar/upstream/http-response.ts'],
  maxBytes: 20_000,
  dictionary: [
    '\r\n',
    '\r\n\r\n',
    '\n',
    '\r',
    ' ',
    '\t',
    ':',
    ';',
    ',',
    '0',
    '0\r\n\r\n',
    '\x7f',
    '\x01',
    '\xa0',
    '\x0b',
    'Content-Length: ',
    'Content-Length: 5\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Transfer-Encoding: ',
    'gzip, ',
    'chunked',
    'Connection: close\r\n',
    'Connection: keep-alive\r\n',
    'close',
    'keep-alive',
    'Upgrade: x\r\n',
    'HTTP/1.1 100 Continue\r\n\r\n',
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.0',
    ' 204 ',
    ' 304 ',
    ' 101 ',
    ' 103 ',
    '5\r\nhello\r\n',
    ';a=b',
    ';a="b\\"c"',
    ' \r\n',
    'X-A: b\r\n',
    'Trailer: x\r\n',
    'Proxy-Connection: close\r\n',
    'ffffffff',
    '00000005',
    '0x5',
    '+5',
    '-5',
    '5, 5',
    '\r\n folded\r\n',
    'a'.repeat(300),
    `X: ${'a'.repeat(8_192)}\r\n`,
  ],
  generate,
  run(bytes) {
    for (const eof of [false, true]) {
      const ways = arrivals(bytes).map((parts) => readOurs(parts, eof));
      for (const way of ways.slice(1))
        holdEqual(way, ways[0], 'the response depends on how its bytes are cut');
      compare(ways[0]!, bytes, eof);
    }
  },
};

function compare(ours: Reading, bytes: Buffer, eof: boolean): void {
  const theirs = readWithLlhttp(bytes, eof);
  const told = (): string =>
    `  ours   ${JSON.stringify(ours)}\n  llhttp ${JSON.stringify({ ...theirs, headers: [...theirs.headers], body: theirs.body.toString('latin1') })}`;
  if (ours.status !== undefined) {
    hold(ours.status === theirs.status, 'another status than llhttp reads', told);
    holdEqual(ours.headers, [...theirs.headers], 'other headers than llhttp reads');
  }
  hold(
    theirs.body.toString('latin1').startsWith(ours.body),
    'body bytes that llhttp does not read as body',
    told,
  );
  if (ours.reusable !== undefined) {
    hold(theirs.complete, 'an end where llhttp has none', told);
    hold(theirs.body.length === ours.body.length, 'another body than llhttp reads', told);
    hold(!ours.reusable || theirs.keepAlive, 'a connection kept that llhttp would close', told);
    hold(!ours.reusable || theirs.end === bytes.length, 'a connection kept with bytes left over', told);
  }
  if (ours.error !== undefined) return;
  // llhttp takes some bare line ends in the head; we wait for the rest of it, and would refuse it then.
  if (ours.status === undefined) return;
  hold(!theirs.complete || ours.reusable !== undefined, 'no end where llhttp has one', told);
  hold(!eof || theirs.error === undefined, 'accepted what llhttp refuses', told);
}

function readOurs(parts: readonly Buffer[], eof: boolean): Reading {
  const reading: Reading = { body: '' };
  const live = (what: string): void => {
    hold(reading.error === undefined, `${what} after an error`);
    hold(reading.reusable === undefined, `${what} after the end`);
  };
  const reader = new ResponseReader({
    head(head) {
      live('a head');
      hold(reading.status === undefined, 'two heads');
      reading.status = head.status;
      reading.headers = [...head.headers];
      reading.contentLength = head.contentLength;
    },
    chunk(bytes) {
      live('a chunk');
      hold(reading.status !== undefined, 'a chunk before the head');
      hold(bytes.length > 0, 'an empty chunk');
      reading.body += bytes.toString('latin1');
    },
    end(reusable) {
      live('an end');
      hold(reading.status !== undefined, 'an end before the head');
      reading.reusable = reusable;
    },
  });
  let endedBefore = false;
  try {
    for (const part of parts) {
      endedBefore = reading.reusable !== undefined;
      reader.push(part);
    }
    if (eof) reader.eof();
  } catch (error) {
    if (!(error instanceof ResponseError)) throw error;
    hold(endedBefore || !reading.reusable, 'a connection kept that has bytes left over');
    reading.error = error.message;
    // Whether the connection was good until then depends on when the bytes came.
    if (reading.reusable !== undefined) reading.reusable = false;
  }
  return reading;
}

const LINE_ENDS = ['\n', '\r', '\r\r\n', '\r\n ', '\n\n', ' \r\n'];

/** A response, and as often as not one or two faults in it. */
function generate(random: Random): Buffer {
  const faulty = random.chance(0.6);
  const odd = (probability = 0.08): boolean => faulty && random.chance(probability);
  const eol = (): string => (odd(0.03) ? random.pick(LINE_ENDS) : '\r\n');
  const text = (length: number): string => random.bytes(length).toString('latin1');
  const body = random.chance(0.5) ? text(random.int(20)) : 'hello world'.slice(random.int(11));
  const head: string[] = [];
  const field = (name: string, value: string): void => {
    const spelt = random.chance(0.3) ? name.toLowerCase() : random.chance(0.1) ? name.toUpperCase() : name;
    const before = odd() ? random.pick(['', '\t ', '\r', '\x0b', '\xa0', '\0', '\n ']) : ' ';
    head.push(
      `${spelt}${odd(0.03) ? random.pick([' ', '\t', '']) : ''}:${before}${value}${odd() ? random.pick([' ', '\t', '\r', '\f', '\x7f', '\x01']) : ''}${eol()}`,
    );
  };
  for (let count = random.int(4); count > 0; count--)
    field(
      random.pick([
        'X-A',
        'x-b',
        'Cache-Control',
        'Mcp-Session-Id',
        'Proxy-Connection',
        'Upgrade',
        odd() ? text(3) : 'Date',
      ]),
      odd() ? text(6) : random.pick(['', 'a', 'b, c', '\xe9', 'close', 'x y']),
    );
  if (random.chance(0.3))
    field(
      'Connection',
      random.pick(['close', 'keep-alive', 'Close', 'x, close', 'upgrade', 'keep-alive, close', 'closed']),
    );
  const framings = faulty && random.chance(0.15) ? 2 : 1;
  let payload = body;
  for (let count = 0; count < framings; count++) {
    const kind = random.int(5);
    if (kind < 2)
      field(
        'Content-Length',
        odd()
          ? random.pick([
              '',
              '+1',
              '-1',
              '0x5',
              '1, 1',
              `${body.length}, ${body.length}`,
              '99999999999999999999',
              '5 5',
              'NaN',
              '1e1',
            ])
          : `${random.chance(0.05) ? '000' : ''}${Math.max(0, body.length + (odd() ? random.int(5) - 2 : 0))}`,
      );
    else if (kind < 4) {
      field(
        'Transfer-Encoding',
        odd(0.15)
          ? random.pick([
              'gzip, chunked',
              'chunked, chunked',
              'identity',
              'chunkedx',
              'chunked,',
              'xchunked',
              '',
              'chunked;q=1',
            ])
          : random.pick(['chunked', 'Chunked']),
      );
      payload = chunked(random, payload, odd, eol);
    }
  }
  const status = odd(0.1)
    ? random.pick(['100', '101', '103', '199', '600', '20', '2000', '099', '2 0'])
    : random.pick(['200', '200', '200', '202', '204', '304', '404', '500']);
  const version = odd(0.1)
    ? random.pick([
        'HTTP/1.0',
        'HTTP/2.0',
        'HTTP/1.2',
        'HTTP/0.9',
        'http/1.1',
        'HTTP/1.10',
        'ICY',
        'RTSP/1.0',
      ])
    : 'HTTP/1.1';
  const reason = random.pick([' OK', '', ' ', ' No Content', odd() ? ` ${text(4)}` : ' X']);
  const early = random.chance(0.1)
    ? `HTTP/1.1 100 Continue\r\n${odd() ? 'Content-Length: 2\r\n' : ''}\r\n`.repeat(1 + random.int(2))
    : '';
  const after = odd(0.1)
    ? random.pick(['!', '\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', '\0'])
    : '';
  const whole = `${odd(0.02) ? '\r\n' : ''}${early}${version} ${status}${reason}${eol()}${head.join('')}${eol()}${payload}${after}`;
  return Buffer.from(odd(0.1) ? whole.slice(0, random.int(whole.length)) : whole, 'latin1');
}

function chunked(
  random: Random,
  body: string,
  odd: (probability?: number) => boolean,
  eol: () => string,
): string {
  let text = '';
  for (let at = 0; at < body.length;) {
    const part = body.slice(at, at + 1 + random.int(8));
    at += part.length;
    const size = random.chance(0.2)
      ? part.length.toString(16).padStart(1 + random.int(10), '0')
      : part.length.toString(16);
    const spelt = odd()
      ? random.pick([
          `0x${size}`,
          `+${size}`,
          ` ${size}`,
          `${size} `,
          `${size}g`,
          `${size}_0`,
          '',
          `-${size}`,
          `${size}.0`,
        ])
      : size;
    const extension = random.chance(0.15)
      ? random.pick([
          ';a',
          ';a=b',
          ';a="b"',
          ';a="\\""',
          ' ;a',
          ';',
          ';=',
          ';a=',
          ';a="',
          ';a b',
          ';a=b;c',
          '\t;a',
          ';a\x7f',
          ';a="\x01"',
        ])
      : '';
    text += `${spelt}${extension}${eol()}${part}${odd() ? random.pick(['', 'x', '\n', '\r']) : '\r\n'}`;
  }
  const trailer = random.chance(0.15)
    ? random.pick([
        'X-T: 1\r\n',
        'X-T : 1\r\n',
        'no colon\r\n',
        'X: \x01\r\n',
        'Content-Length: 5\r\n',
        'Transfer-Encoding: chunked\r\n',
        ': x\r\n',
        ' folded\r\n',
        'X: a\r\r\n',
        'X: a\n',
      ])
    : '';
  return `${text}0${odd(0.05) ? random.pick([' ', '0', ';a', 'x']) : ''}\r\n${trailer}${odd(0.05) ? random.pick(['\n', '', '\r\r\n']) : '\r\n'}`;
}
