import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import type { Exchange, Reply } from '../../../../sidecar/exchange.ts';
import { createKeptStreams } from '../../../../sidecar/upstream/modern/kept-streams.ts';
import { RESUME_MS } from '../../../../sidecar/upstream/modern/resumable-stream.ts';

beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
afterEach(() => mock.timers.reset());

interface Client extends Reply {
  readonly got: string[];
  ended: boolean;
}

function client(): Client {
  const got: string[] = [];
  return {
    got,
    ended: false,
    head: () => undefined,
    chunk: (bytes) => void got.push(bytes.toString()),
    end() {
      this.ended = true;
    },
    fail: () => assert.fail('no stream fails'),
  };
}
const exchange = (version = '2025-11-25', digest = 'alice') =>
  ({ session: { version }, principal: { digest } }) as Exchange;
function events() {
  const told = { abandoned: 0, pause: () => undefined, resume: () => undefined };
  return { told, abandoned: () => void told.abandoned++, pause: told.pause, resume: told.resume };
}
const message = (bytes: number) => Buffer.from(`"${'x'.repeat(bytes)}"`);

describe('a stream that is kept for its client', () => {
  test('begins with an id for clients of 2025-11-25, and with none for those before', () => {
    const [now, before] = [client(), client()];
    const streams = createKeptStreams().ofSession();
    streams.open(exchange(), now, events());
    streams.open(exchange('2025-06-18'), before, events());
    assert.deepEqual([now.got, before.got], [['id: s1-0\ndata: \n\n'], []]);
  });

  test('waits for a minute, and not longer', () => {
    const reply = client();
    const kept = createKeptStreams();
    const streams = kept.ofSession();
    const watched = events();
    const stream = streams.open(exchange(), reply, watched);
    stream.write(message(1));
    stream.detach(reply);
    mock.timers.tick(RESUME_MS - 1);
    assert.ok(streams.find('s1-1'));
    mock.timers.tick(1);
    assert.equal(watched.told.abandoned, 1);
    assert.equal(streams.find('s1-1'), undefined);
    assert.deepEqual(kept.held(), { streams: 0, bytes: 0 });
  });

  test('that is over can be asked for again for a minute', () => {
    const kept = createKeptStreams();
    const streams = kept.ofSession();
    const watched = events();
    const stream = streams.open(exchange(), client(), watched);
    stream.write(message(1));
    stream.end();
    const again = client();
    streams.find('s1-0')!.stream.attach(again, 0);
    assert.deepEqual([again.got.length, again.ended], [1, true]);
    mock.timers.tick(RESUME_MS);
    assert.deepEqual([kept.held(), watched.told.abandoned], [{ streams: 0, bytes: 0 }, 0]);
  });

  test('is taken over by who comes last, and a client that left before does not end that', () => {
    const [first, second] = [client(), client()];
    const streams = createKeptStreams().ofSession();
    const stream = streams.open(exchange(), first, events());
    stream.write(message(1));
    stream.attach(second, 1);
    assert.ok(first.ended);
    stream.detach(first);
    stream.write(message(2));
    assert.equal(second.got.length, 1);
    assert.match(second.got[0]!, /^id: s1-2\n/);
  });

  test('goes when 8 MiB are kept, those first that are over; a session keeps 64', () => {
    const kept = createKeptStreams();
    const all = Array.from({ length: 20 }, () => {
      const streams = kept.ofSession();
      const reply = client();
      const stream = streams.open(exchange(), reply, events());
      for (let each = 0; each < 8; each++) stream.write(message(60_000));
      stream.detach(reply);
      return streams;
    });
    const { bytes, streams: count } = kept.held();
    assert.ok(bytes <= 8 * 1024 * 1024 && bytes > 7 * 1024 * 1024, `${bytes} bytes`);
    assert.ok(count < 20);
    assert.equal(all[0]!.find('s1-0'), undefined);
    assert.ok(all[19]!.find('s1-0'));
    const many = createKeptStreams();
    const session = many.ofSession();
    for (let each = 0; each < 100; each++) session.open(exchange(), client(), events()).end();
    assert.equal(many.held().streams, 64);
  });

  test('goes on for a client that is there when 8 MiB are kept: only what it has had is kept no longer', () => {
    const kept = createKeptStreams();
    const all = Array.from({ length: 20 }, () => {
      const [reply, watched] = [client(), events()];
      const session = kept.ofSession();
      const stream = session.open(exchange(), reply, watched);
      for (let each = 0; each < 8; each++) stream.write(message(60_000));
      return { reply, watched, session, stream };
    });
    assert.ok(kept.held().bytes <= 8 * 1024 * 1024);
    for (const { reply, watched, stream } of all) {
      stream.write(message(1));
      assert.deepEqual([watched.told.abandoned, reply.ended, reply.got.length], [0, false, 10]);
    }
    assert.equal(all[0]!.session.find('s1-0'), undefined);
    assert.ok(all[19]!.session.find('s1-0'));
  });

  test('waits no longer where 256 have begun to since, or 64 of the same caller', () => {
    const left = (count: number, owner: (index: number) => string) => {
      const kept = createKeptStreams();
      const watched = Array.from({ length: count }, (_, index) => {
        const [reply, told] = [client(), events()];
        kept
          .ofSession()
          .open(exchange('2025-11-25', owner(index)), reply, told)
          .detach(reply);
        return told.told;
      });
      return { abandoned: watched.map(({ abandoned }) => abandoned), held: kept.held().streams };
    };
    const all = left(300, (index) => `caller-${index}`);
    assert.equal(all.held, 256);
    assert.deepEqual(all.abandoned.slice(0, 45), [...Array<number>(44).fill(1), 0]);
    const mine = left(80, () => 'alice');
    assert.equal(mine.held, 64);
    assert.equal(mine.abandoned[0], 1);
  });
});
