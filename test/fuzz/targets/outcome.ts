/** What the audit log says of an answer, against the answer read as a whole; and the answer itself must not change. */
import { watchOutcome } from '../../../sidecar/audit/outcome.ts';
import type { Exchange, ReplyHead } from '../../../sidecar/exchange.ts';
import type { Random } from '../engine/random.ts';
import { hold, holdEqual, type Target } from '../engine/target.ts';
import { readEventStream } from '../oracles/event-stream.ts';
import { arrivals } from './cuts.ts';
import { jsonText } from './json-text.ts';

type Seen = Pick<Exchange, 'outcome' | 'error'>;

const CLOSING = Buffer.from('\n\n');

export const outcome: Target = {
  name: 'outcome',
  covers: ['sidecar/audit/outcome.ts'],
  maxBytes: 4_096,
  dictionary: [
    '"isError":true',
    '"isError":false,',
    '"isError" : true',
    '"error":{"code":1,"message":"x"}',
    '"error":null,',
    '"result":{"isError":true}',
    '"x":"\\"isError\\":true"',
    '{',
    '}',
    '"',
    ',',
    ':',
    ' ',
    '\n',
    'data: ',
    '\n\n',
    '\r\n',
    'null',
    '\xff',
  ],
  generate,
  run(bytes) {
    const stream = !/^\s*\{/.test(bytes.toString('latin1'));
    const given = stream ? Buffer.concat([bytes, CLOSING]) : bytes;
    const ways = arrivals(given).map((parts) => watch(parts, stream ? 'sse' : 'json'));
    for (const { seen, out } of ways) {
      hold(out.equals(given), 'the answer is not as it came');
      holdEqual(seen, ways[0]!.seen, 'the outcome depends on how the answer came');
    }
    // A server that escapes letters of these two words does so to be misread, and harms its own log alone.
    if (given.includes('\\u')) return;
    const messages = stream ? readEventStream(given).map(({ data }) => data) : [given.toString('utf8')];
    holdEqual(ways[0]!.seen, expectedOf(messages), 'another outcome than the answer says');
  },
};

function expectedOf(messages: readonly string[]): Seen {
  let seen: Seen = { outcome: 'success' };
  for (const each of messages) {
    let message: { error?: { code?: unknown; message?: unknown }; result?: { isError?: unknown } } | null;
    try {
      message = JSON.parse(each);
    } catch {
      continue;
    }
    const error = message?.error;
    if (typeof error === 'object' && error !== null)
      seen = {
        outcome: 'application_error',
        error: { code: Number(error.code), message: String(error.message) },
      };
    else if (message?.result?.isError === true) seen = { ...seen, outcome: 'application_error' };
  }
  return seen;
}

function watch(parts: readonly Buffer[], contentType: ReplyHead['contentType']): { seen: Seen; out: Buffer } {
  const exchange = { outcome: 'success' } as unknown as Exchange;
  const out: Buffer[] = [];
  const reply = watchOutcome(exchange, {
    head: () => undefined,
    chunk: (bytes) => void out.push(bytes),
    end: () => undefined,
    fail: () => undefined,
  });
  reply.head({ status: 200, contentType, headers: {} });
  for (const part of parts) reply.chunk(part);
  reply.end();
  const { outcome: told, error } = exchange;
  return { seen: { outcome: told, ...(error ? { error } : {}) }, out: Buffer.concat(out) };
}

const KEYS = ['isError', 'error', 'code', 'message', 'result', 'content', 'x'];

function generate(random: Random): Buffer {
  const message = (): string => {
    const result = `"result":{${random.chance(0.5) ? `"content":[${jsonText(random, KEYS, 2)}],` : ''}"isError":${random.pick(['true', 'false', ' true', 'null', '"true"'])}}`;
    const error = `"error":${random.pick(['{"code":-32602,"message":"no"}', 'null', '{}', '"x"', jsonText(random, KEYS, 2)])}`;
    const parts = ['"jsonrpc":"2.0"', '"id":1', random.chance(0.6) ? result : error];
    if (random.chance(0.3)) parts.splice(random.int(3), 0, `"x":${jsonText(random, KEYS, 3)}`);
    return `{${parts.join(random.pick([',', ', ', ',\n']))}}`;
  };
  if (random.chance(0.5)) return Buffer.from(message());
  const events = Array.from({ length: 1 + random.int(3) }, message);
  return Buffer.from(events.map((each) => `data: ${each.replaceAll('\n', '\ndata: ')}\n\n`).join(''));
}
