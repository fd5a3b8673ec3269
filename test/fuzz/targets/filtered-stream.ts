/** Lists in event streams, on their way through the filter: clients read each event as before, its list without some tools. */
import { editedReply } from '../../../sidecar/downstream/edited-reply.ts';
import { createToolsListEditor } from '../../../sidecar/filter/tools-list.ts';
import type { Random } from '../engine/random.ts';
import { hold, holdEqual, type Target } from '../engine/target.ts';
import { readEventStream, type StreamEvent } from '../oracles/event-stream.ts';
import { arrivals } from './cuts.ts';
import { expectedOf, hasTwoResults, isAllowed, toolsList } from './tools-list.ts';

const CLOSING = Buffer.from('\n\n');

interface Passed {
  readonly bytes: Buffer;
  readonly refused: boolean;
}

export const filteredStream: Target = {
  name: 'filtered-stream',
  covers: ['sidecar/downstream/edited-reply.ts', 'sidecar/sse.ts', 'sidecar/filter/tools-list.ts'],
  maxBytes: 4_096,
  dictionary: [
    ...toolsList.dictionary,
    'data: ',
    '\ndata: ',
    '\n\n',
    '\r\n',
    '\r',
    'id: 1\n',
    ': c\n',
    'event: message\n',
  ],
  generate,
  run(bytes) {
    const [whole, ...others] = arrivals(bytes).map((parts) => pass([...parts, CLOSING]));
    for (const each of others)
      holdEqual(
        [each.bytes, each.refused],
        [whole!.bytes, whole!.refused],
        'what goes out depends on how it came',
      );
    const events = readEventStream(Buffer.concat([bytes, CLOSING]));
    // Of two results in one message the first may be filtered or not.
    if (events.some(({ data }) => hasTwoResultsIn(data))) return;
    const { expected, refused } = filtered(events);
    hold(
      whole!.refused === refused,
      refused ? 'let through what has no one reading' : 'refused what is JSON',
    );
    holdEqual(readEventStream(whole!.bytes), expected, 'other events than without what is not allowed');
  },
};

const hasTwoResultsIn = (data: string): boolean => {
  const message = Buffer.from(data);
  return expectedOf(message) !== undefined && hasTwoResults(message);
};

/** What a client should read, until something comes that may be a list and is no JSON. */
function filtered(events: readonly StreamEvent[]): { expected: StreamEvent[]; refused: boolean } {
  const expected: StreamEvent[] = [];
  for (const event of events) {
    const message = Buffer.from(event.data);
    const wanted = expectedOf(message);
    if (!wanted && /"tools"|\\u/.test(event.data)) return { expected, refused: true };
    expected.push(wanted ? { ...event, data: wanted.toString() } : event);
  }
  return { expected, refused: false };
}

function pass(parts: readonly Buffer[]): Passed {
  const out: Buffer[] = [];
  let refused = false;
  let ended = false;
  const reply = editedReply(
    {
      head: (head) => hold(head.contentLength === undefined, 'a length that an edit changes'),
      chunk(bytes) {
        hold(!refused && !ended, 'bytes after the end');
        // As they are now: they may be slices of what is used again.
        out.push(Buffer.from(bytes));
      },
      end: () => void (ended = true),
      fail() {
        hold(!refused && !ended, 'two ends');
        refused = true;
      },
    },
    createToolsListEditor(({ name }) => ({ allowed: isAllowed(name), rule: 'x' })),
  );
  reply.head({ status: 200, contentType: 'sse', headers: {}, contentLength: 1 });
  for (const part of parts) reply.chunk(part);
  reply.end();
  hold(refused !== ended, 'no end, or two');
  return { bytes: Buffer.concat(out), refused };
}

function generate(random: Random): Buffer {
  const eol = random.pick(['\n', '\n', '\r\n', '\r']);
  const events = toolsList
    .generate(random)
    .toString('utf8')
    .split('\x1e')
    .map((message) => {
      const lines = message.split('\n').map((line) => `data:${random.chance(0.8) ? ' ' : ''}${line}`);
      if (random.chance(0.3))
        lines.splice(
          random.int(lines.length + 1),
          0,
          random.pick(['id: 1', ': c', 'event: message', 'data', '', 'x']),
        );
      return lines.map((line) => line + eol).join('') + eol;
    });
  const text = events.join(random.chance(0.1) ? ': keep-alive\n\n' : '');
  const mark = random.chance(0.05) ? '\ufeff' : '';
  return Buffer.from(mark + (random.chance(0.1) ? text.slice(0, random.int(text.length + 1)) : text));
}
