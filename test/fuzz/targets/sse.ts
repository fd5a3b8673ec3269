/** Cutting and editing event streams against what HTML says and against the parser that the SDKs' clients use. */
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { SseSplitter, withData, type SseFrame } from '../../../sidecar/sse.ts';
import type { Random } from '../engine/random.ts';
import { seedOf } from '../engine/random.ts';
import { hold, holdEqual, type Target } from '../engine/target.ts';
import { readEventStream } from '../oracles/event-stream.ts';
import { arrivals } from './cuts.ts';

/** Ends every line and event that may be open. */
const CLOSING = Buffer.from('\n\n:\n');
const NEW_DATA = ['{"b":2}', '', '{\n "b": 2\n}', '\n', 'é\u{1f600}', ' x'];

export const sse: Target = {
  name: 'sse',
  covers: ['sidecar/sse.ts'],
  maxBytes: 4_096,
  dictionary: [
    '\n',
    '\r',
    '\r\n',
    '\n\n',
    '\r\r',
    '\r\n\r\n',
    '\n\r',
    '\r\n\n',
    'data',
    'data:',
    'data: ',
    'data: {"a":1}\n\n',
    'event: message\n',
    'id: 1\n',
    'id',
    'retry: 5\n',
    ': c\n',
    ':',
    ' ',
    '\xef\xbb\xbf',
    '\xc3\xaf\xc2\xbb\xc2\xbf',
    '\0',
    '\xe2\x80\xa8',
    '\xc2\x85',
    '\x0b',
    '\x0c',
    '\xff',
    '\xe9',
    'Data: x\n',
    'data : x\n',
    ' data: x\n',
    'dat',
  ],
  generate,
  run(bytes) {
    const whole = Buffer.concat([bytes, CLOSING]);
    const ways = arrivals(bytes).map((parts) => cut([...parts, CLOSING]));
    const raws = ways.map(({ frames }) => frames.map(({ raw }) => raw.toString('latin1')));
    for (const each of raws.slice(1)) holdEqual(each, raws[0], 'the events depend on how the bytes are cut');
    const { frames, left } = ways[0]!;

    const kept = raws[0]!.join('');
    hold(
      whole
        .subarray(0, whole.length - left)
        .toString('latin1')
        .endsWith(kept),
      'bytes lost or changed',
    );
    const dropped = whole.length - left - kept.length;
    hold(
      /^(\xef\xbb\xbf|\xc3\xaf\xc2\xbb\xc2\xbf)*$/.test(whole.toString('latin1', 0, dropped)),
      'bytes lost in front',
    );

    const expected = readEventStream(joined(frames));
    holdEqual(
      dataOf(frames),
      expected.map(({ data }) => data),
      'other data than HTML says',
    );
    holdEqual(
      readWithSdk(joined(frames)),
      expected.map(({ data }) => data),
      'other data than the SDKs read',
    );
    editOne(frames, expected, bytes);
  },
};

/** Gives one event other data; all else must be as it was. */
function editOne(frames: readonly SseFrame[], expected: readonly { data: string }[], bytes: Buffer): void {
  const withAny = frames.flatMap((frame, index) => (frame.data() ? [index] : []));
  if (withAny.length === 0) return;
  const seed = seedOf(bytes);
  const nth = seed % withAny.length;
  const data = NEW_DATA[(seed >>> 8) % NEW_DATA.length]!;
  const index = withAny[nth]!;
  const edited = [
    ...frames.slice(0, index).map(({ raw }) => raw),
    withData(frames[index]!, Buffer.from(data)),
    ...frames.slice(index + 1).map(({ raw }) => raw),
  ];
  const found = readEventStream(Buffer.concat([...edited, CLOSING]));
  const wanted = expected.map((each, at) => (at === nth ? { ...each, data } : each));
  holdEqual(found, wanted, 'an edit changes more, or less, than the data of its event');
}

const joined = (frames: readonly SseFrame[]): Buffer => Buffer.concat(frames.map(({ raw }) => raw));
/** As text, for HTML reads what is no UTF-8 as U+FFFD. */
const dataOf = (frames: readonly SseFrame[]): string[] =>
  frames.flatMap((frame) => frame.data()?.toString('utf8') ?? []);

function cut(parts: readonly Buffer[]): { frames: SseFrame[]; left: number } {
  const splitter = new SseSplitter();
  return { frames: parts.flatMap((part) => splitter.push(part)), left: splitter.pendingBytes };
}

function readWithSdk(bytes: Buffer): string[] {
  const found: string[] = [];
  const parser = createParser({ onEvent: ({ data }: EventSourceMessage) => void found.push(data) });
  // As EventSourceParserStream behind a TextDecoderStream.
  parser.feed(new TextDecoder('utf-8').decode(bytes));
  return found;
}

function generate(random: Random): Buffer {
  const ends = random.chance(0.4)
    ? ['\n']
    : random.chance(0.5)
      ? ['\n', '\r\n', '\r']
      : [random.pick(['\r\n', '\r'])];
  const eol = (): string => random.pick(ends);
  let text = random.chance(0.1)
    ? random.pick(['\xef\xbb\xbf', '\xef\xbb\xbf\xef\xbb\xbf', '\xc3\xaf\xc2\xbb\xc2\xbf', '\xef\xbb'])
    : '';
  for (let events = random.int(6); events > 0; events--) {
    for (let lines = random.int(5); lines > 0; lines--) text += field(random) + eol();
    text += eol();
  }
  return Buffer.from(random.chance(0.2) ? text.slice(0, random.int(text.length + 1)) : text, 'latin1');
}

function field(random: Random): string {
  const name = random.pick([
    'data',
    'data',
    'data',
    'data',
    'event',
    'id',
    'retry',
    '',
    'datax',
    'Data',
    ' data',
    'dat',
    '\xef\xbb\xbfdata',
  ]);
  const value = random.pick([
    '{"a":1}',
    '',
    'x',
    ' y',
    'a:b',
    '\xc3\xa9',
    '\xf0\x9f\x98\x80',
    '\xff',
    '10',
    '\0',
    '\x0b',
    '\xe2\x80\xa8',
  ]);
  return `${name}${random.pick([': ', ':', ': ', ':', '', ' : '])}${value}`;
}
