import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { SseSplitter, withData, type SseFrame } from '../../sidecar/sse.ts';

const STREAM = [
  ': a comment\n\n',
  'event: message\nid: 7\ndata: {"a":1}\n\n',
  'data:no space\n\n',
  'data: first\ndata:  second\ndata:\ndata: fourth\n\n',
  'retry: 100\nid\n\n',
  'data: é😀\n: comment inside\n\n',
  'datax: not data\ndata\n\n',
];
const DATA = [undefined, '{"a":1}', 'no space', 'first\n second\n\nfourth', undefined, 'é😀', ''];
const LINE_ENDS = { LF: '\n', CRLF: '\r\n', CR: '\r' } as const;

function split(parts: readonly Buffer[]): { frames: SseFrame[]; left: number } {
  const splitter = new SseSplitter();
  const frames = parts.flatMap((part) => splitter.push(part));
  return { frames, left: splitter.pendingBytes };
}
const dataOf = (frames: readonly SseFrame[]) => frames.map((frame) => frame.data()?.toString());

describe('the event splitter', () => {
  for (const [name, lineEnd] of Object.entries(LINE_ENDS)) {
    // A CR at the end may be half of a CRLF: the event behind it is out when another byte is in.
    const bytes = Buffer.from(STREAM.join('').replaceAll('\n', lineEnd) + (name === 'CR' ? ':' : ''));

    test(`cuts a stream with ${name} alike at every border`, () => {
      for (let at = 0; at <= bytes.length; at++) {
        const { frames, left } = split([bytes.subarray(0, at), bytes.subarray(at)]);
        assert.deepEqual(dataOf(frames), DATA, `cut at ${at}`);
        assert.deepEqual(Buffer.concat(frames.map(({ raw }) => raw)), bytes.subarray(0, bytes.length - left));
      }
    });

    test(`cuts a stream with ${name} byte by byte`, () => {
      assert.deepEqual(dataOf(split([...bytes].map((byte) => Buffer.from([byte]))).frames), DATA);
    });
  }

  test('cuts any mixture of line ends as the specification reads it, wherever it is split', () => {
    const piece = fc.constantFrom('\n', '\r\n', '\r', '\n\n', 'data: x', 'data:y', ': c', 'id: 1', 'data');
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 14 }),
        fc.array(fc.nat(60), { maxLength: 3 }),
        (pieces, cuts) => {
          // Ended, so that nothing is undecided.
          const text = `${pieces.join('')}\n\n:`;
          const bytes = Buffer.from(text);
          const places = [
            0,
            ...cuts.map((each) => each % bytes.length).toSorted((a, b) => a - b),
            bytes.length,
          ];
          const parts = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
          const found = dataOf(split(parts).frames).filter((data) => data !== undefined);
          assert.deepEqual(found, reference(text));
        },
      ),
      { numRuns: 5_000 },
    );
  });

  test('hands an event on with its last byte and holds nothing back', () => {
    const splitter = new SseSplitter();
    assert.equal(splitter.push(Buffer.from('data: a\n')).length, 0);
    assert.equal(splitter.push(Buffer.from('\n')).length, 1);
    assert.equal(splitter.pendingBytes, 0);
    assert.equal(splitter.push(Buffer.from('data: b\r\n\r\n')).length, 1);
  });

  for (const [name, marks] of Object.entries({
    'a byte order mark': '\ufeff',
    'two of them': '\ufeff\ufeff',
    'one that was taken for Latin-1': '\u00ef\u00bb\u00bf',
    'one of each': '\ufeff\u00ef\u00bb\u00bf',
  })) {
    test(`takes ${name} off the start, where some clients read on behind it and some do not`, () => {
      const bytes = Buffer.from(`${marks}data: a\n\n\ufeffdata: b\n\n`);
      for (let at = 0; at <= bytes.length; at++) {
        const { frames } = split([bytes.subarray(0, at), bytes.subarray(at)]);
        assert.deepEqual(
          frames.map(({ raw }) => raw.toString()),
          ['data: a\n\n', '\ufeffdata: b\n\n'],
        );
        assert.deepEqual(dataOf(frames), ['a', undefined]);
      }
    });
  }

  test('takes a large event in small pieces without copying it for each of them', () => {
    const splitter = new SseSplitter();
    const piece = Buffer.from('data: x\n');
    for (let count = 0; count < 300_000; count++) assert.equal(splitter.push(piece).length, 0);
    assert.equal(splitter.pending.length, 2_400_000);
    const [frame] = splitter.push(Buffer.from('\ndata: y\n'));
    assert.equal(frame?.data()?.length, 599_999);
    assert.equal(splitter.pending.toString(), 'data: y\n');
  });

  test('does not write over events that were handed on', () => {
    const splitter = new SseSplitter();
    const frames = [
      'data: a',
      '\n',
      '\ndata: b',
      'b\n',
      '\ndata: c\n\n',
      'data: dddddddddddddddddd\n\n',
    ].flatMap((each) => splitter.push(Buffer.from(each)));
    assert.deepEqual(dataOf(frames), ['a', 'bb', 'c', 'dddddddddddddddddd']);
  });

  test('drops an event that the end of the stream cuts off', () => {
    const { frames, left } = split([Buffer.from('data: a\n\ndata: b\n')]);
    assert.deepEqual(dataOf(frames), ['a']);
    assert.equal(left, 8);
  });
});

describe('an event with other data', () => {
  for (const [name, lineEnd] of Object.entries(LINE_ENDS)) {
    test(`keeps id, event, retry and comments (${name})`, () => {
      const text = 'event: message\nid: 7\n: c\ndata: {"a":\ndata: 1}\nretry: 10\n\n'.replaceAll(
        '\n',
        lineEnd,
      );
      const [frame] = split([Buffer.from(text), Buffer.from(':')]).frames;
      assert.ok(frame);
      assert.equal(
        withData(frame, Buffer.from('{"b":2}')).toString(),
        'event: message\nid: 7\n: c\ndata: {"b":2}\nretry: 10\n\n',
      );
    });
  }

  test('may hold line ends, as JSON does between its tokens', () => {
    const [frame] = split([Buffer.from('data: {"a":\ndata: 1}\nid: 1\n\n')]).frames;
    assert.ok(frame);
    const json = '{"b":\n2}\n';
    const edited = withData(frame, Buffer.from(json));
    assert.equal(edited.toString(), 'data: {"b":\ndata: 2}\ndata: \nid: 1\n\n');
    assert.deepEqual(dataOf(split([edited]).frames), [json]);
  });

  test('keeps the bytes of its other lines, also those that are no UTF-8', () => {
    const [frame] = split([Buffer.from('id: \xff\ndata: x\n\n', 'latin1')]).frames;
    assert.ok(frame);
    assert.equal(withData(frame, Buffer.from('y')).toString('latin1'), 'id: \xff\ndata: y\n\n');
  });

  test('is read back as that data', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        const [frame] = split([Buffer.from('id: 1\ndata: x\n\n')]).frames;
        assert.ok(frame);
        assert.deepEqual(dataOf(split([withData(frame, Buffer.from(json))]).frames), [json]);
      }),
    );
  });
});

/** HTML, section 9.2.6, over the whole text at once; the data of events that have any. */
function reference(text: string): string[] {
  const lines = text.split(/\r\n|\n|\r/);
  lines.pop();
  const events: string[] = [];
  let data: string[] = [];
  for (const line of lines) {
    if (line === '') {
      if (data.length > 0) events.push(data.join('\n'));
      data = [];
    } else if (/^data(:|$)/.test(line)) data.push(line.replace(/^data:? ?/, ''));
  }
  return events;
}
