import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { MAX_HEAD_BYTES } from '../../../sidecar/upstream/http-response.ts';
import { type Outcome, readParts, bytesOf, read } from './read-parts.ts';
import { OK, BODY_OK, CHUNKED, REFUSED, ACCEPTED, wellFormed } from './responses.ts';

const headOf = (bytes: number): string => {
  const rest = `HTTP/1.1 204 X\r\nA: \r\n\r\n`;
  return rest.replace('A: ', `A: ${'b'.repeat(bytes - rest.length)}`);
};

describe('the response reader', () => {
  for (const [name, text, message, eof] of REFUSED) {
    test(`refuses ${name}`, () => assert.match(read(text, eof === 'eof').error ?? 'accepted', message));
  }

  for (const [name, text, expected, eof] of ACCEPTED) {
    test(`accepts ${name}`, () => {
      const outcome = read(text, eof === 'eof');
      assert.equal(outcome.error, undefined);
      for (const [key, value] of Object.entries(expected))
        assert.deepEqual(outcome[key as keyof Outcome], value, key);
    });
  }

  test('says the same however the bytes are cut', () => {
    for (const [name, text, , eof] of [...REFUSED, ...ACCEPTED]) {
      if (text.length > 1_000) continue;
      const bytes = bytesOf(text);
      const whole = decided(readParts([bytes], eof === 'eof'));
      for (let at = 1; at < bytes.length; at++)
        assert.deepEqual(
          decided(readParts([bytes.subarray(0, at), bytes.subarray(at)], eof === 'eof')),
          whole,
          `${name}, cut at ${at}`,
        );
      const single = [...bytes].map((byte) => Buffer.from([byte]));
      assert.deepEqual(decided(readParts(single, eof === 'eof')), whole, `${name}, byte by byte`);
    }
  });

  test('does not give a connection back that has bytes left over, not even for a moment', () => {
    assert.deepEqual(read(`${OK}${BODY_OK}!`).end, { reusable: false });
    assert.deepEqual(read('HTTP/1.1 204 X\r\n\r\n\r\n').end, { reusable: false });
    assert.deepEqual(read(`${CHUNKED}0\r\n\r\n0`).end, { reusable: false });
  });

  test('counts the head with its blank line, whole or in parts', () => {
    for (const [bytes, error] of [
      [MAX_HEAD_BYTES, undefined],
      [MAX_HEAD_BYTES + 1, 'headers over 16 KiB'],
    ] as const) {
      const given = bytesOf(headOf(bytes));
      assert.equal(readParts([given]).error, error);
      assert.equal(readParts([given.subarray(0, -1), given.subarray(-1)]).error, error);
    }
  });

  test('hands on what has come of a body before the rest is there', () => {
    assert.equal(read(`${OK}Content-Length: 9\r\n\r\nhi`).body, 'hi');
    assert.equal(read(`${CHUNKED}9\r\nhi`).body, 'hi');
    assert.equal(read(`${OK}\r\nhi`).body, 'hi');
  });

  test('reads what Node reads', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        const parts = served.parts;
        const next = (index: number): void => {
          if (index >= parts.length) return void socket.end();
          socket.write(parts[index] ?? '', () => setImmediate(next, index + 1));
        };
        next(0);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const served: { parts: Buffer[] } = { parts: [] };
    try {
      await fc.assert(
        fc.asyncProperty(wellFormed, fc.array(fc.nat(200), { maxLength: 4 }), async (text, cuts) => {
          served.parts = cutAt(bytesOf(text), cuts);
          const [response] = await once(
            request({ port, host: '127.0.0.1', agent: false })
              .on('error', () => undefined)
              .end(),
            'response',
          );
          let body = '';
          response.setEncoding('latin1');
          for await (const part of response) body += part;
          const ours = readParts(served.parts, true);
          assert.equal(ours.error, undefined, text);
          assert.deepEqual(
            { status: ours.status, body: ours.body, headers: ours.headers },
            { status: response.statusCode, body, headers: { ...response.headers } },
          );
        }),
        { numRuns: 300 },
      );
    } finally {
      server.close();
    }
  });
});

/** Bytes behind the end may come after the connection was given back. */
const decided = (outcome: Outcome): Outcome =>
  outcome.error === 'bytes after the response' && outcome.end
    ? { ...outcome, end: { reusable: false } }
    : outcome;

function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((each) => each % bytes.length))].toSorted((a, b) => a - b);
  return [...places, bytes.length]
    .map((end, index, all) => bytes.subarray(all[index - 1] ?? 0, end))
    .filter((part) => part.length > 0);
}
