import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { editedReply } from '../../../sidecar/downstream/edited-reply.ts';
import type { Refusal, Reply, ReplyHead } from '../../../sidecar/exchange.ts';
import type { ResultEditor } from '../../../sidecar/passes.ts';
import { compileFilter } from '../../../sidecar/filter/decide-tool.ts';
import { createToolsListEditor } from '../../../sidecar/filter/tools-list.ts';

const decide = compileFilter({ mode: 'all', denyTools: ['bad'] });
assert.ok(decide);

/** What the client would get. */
interface Got {
  head?: ReplyHead;
  chunks: string[];
  ended: boolean;
  refusal?: Refusal;
}

function edited(editor: ResultEditor = createToolsListEditor(decide!)): { reply: Reply; got: Got } {
  const got: Got = { chunks: [], ended: false };
  const end: Reply = {
    head: (head) => void (got.head = head),
    chunk: (bytes) => void got.chunks.push(bytes.toString()),
    end: () => void (got.ended = true),
    fail: (refusal) => void (got.refusal = refusal),
  };
  return { reply: editedReply(end, editor), got };
}

const LIST = '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"bad"},{"name":"good"}]}}';
const FILTERED = '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"good"}]}}';
const head = (contentType: ReplyHead['contentType'], status = 200): ReplyHead => ({
  status,
  contentType,
  headers: {},
});

describe('an answer that is edited', () => {
  test('keeps events without data as they are', () => {
    const { reply, got } = edited();
    reply.head(head('sse'));
    reply.chunk(Buffer.from('id: 1\ndata: \n\n: comment\n\nretry: 500\n\n'));
    assert.equal(got.chunks.join(''), 'id: 1\ndata: \n\n: comment\n\nretry: 500\n\n');
  });

  for (const contentType of ['json', 'other', 'none'] as const) {
    test(`is held until it is whole, when its type is ${contentType}`, () => {
      const { reply, got } = edited();
      reply.head({ ...head(contentType), contentLength: LIST.length });
      reply.chunk(Buffer.from(LIST.slice(0, 60)));
      reply.chunk(Buffer.from(LIST.slice(60)));
      assert.deepEqual({ ...got }, { chunks: [], ended: false });
      reply.end();
      assert.equal(got.chunks.join(''), FILTERED);
      assert.equal(got.head?.contentLength, FILTERED.length);
      assert.ok(got.ended);
    });
  }

  test('may be empty', () => {
    const { reply, got } = edited();
    reply.head({ ...head('none', 405), contentLength: 0 });
    reply.end();
    assert.deepEqual(got, { head: { ...head('none', 405), contentLength: 0 }, chunks: [], ended: true });
  });

  test('goes out event by event, each when it is whole, others as they are', () => {
    const { reply, got } = edited();
    reply.head({ ...head('sse'), contentLength: 1_000 });
    assert.deepEqual(
      got.head,
      head('sse'),
      'the head of a stream waits for nothing, and its length is not known',
    );
    const other = ': comment\r\n\r\n';
    const progress = 'id: 1\r\ndata: {"jsonrpc":"2.0","method":"notifications/progress"}\r\n\r\n';
    reply.chunk(Buffer.from(`${other}${progress}id: 2\ndata: ${LIST}`));
    assert.deepEqual(got.chunks, [other, progress]);
    reply.chunk(Buffer.from('\n\n'));
    assert.equal(got.chunks[2], `id: 2\ndata: ${FILTERED}\n\n`);
    assert.ok(!got.ended);
    reply.end();
    assert.ok(got.ended);
  });

  for (const [name, body] of Object.entries({
    'not JSON': LIST.replace('"id":1', '"id":NaN'),
    'cut off': LIST.slice(0, -1),
    'a batch': `[${LIST}]`,
  })) {
    test(`does not go out when it is ${name}`, () => {
      const { reply, got } = edited();
      reply.head(head('json'));
      reply.chunk(Buffer.from(body));
      reply.end();
      assert.deepEqual(got, {
        chunks: [],
        ended: false,
        refusal: { reason: 'upstream-result-unreadable', detail: 'not one JSON message' },
      });
    });

    test(`ends its stream when an event is ${name}`, () => {
      const { reply, got } = edited();
      reply.head(head('sse'));
      reply.chunk(Buffer.from(`data: {}\n\ndata: ${body}\n\ndata: ${LIST}\n\n`));
      reply.chunk(Buffer.from(`data: ${LIST}\n\n`));
      reply.end();
      assert.deepEqual(got.chunks, ['data: {}\n\n']);
      assert.equal(got.refusal?.reason, 'upstream-result-unreadable');
      assert.ok(!got.ended);
    });
  }

  for (const contentType of ['json', 'sse'] as const) {
    test(`is not held beyond its limit (${contentType})`, () => {
      const { reply, got } = edited();
      reply.head(head(contentType));
      const part = Buffer.alloc(1024 * 1024, 0x61);
      for (let count = 0; count <= 17; count++) reply.chunk(part);
      reply.end();
      assert.equal(got.refusal?.reason, 'upstream-result-too-large');
      assert.deepEqual(got.chunks, []);
    });

    test(`goes out as it is beyond that, where nothing so large is edited (${contentType})`, () => {
      const never = (): Buffer => assert.fail('it is not held');
      const { reply, got } = edited(Object.assign(never, { largePass: true as const }));
      reply.head(head(contentType));
      const part = Buffer.alloc(1024 * 1024, 0x61);
      for (let count = 0; count <= 6; count++) reply.chunk(part);
      reply.end();
      assert.equal(got.chunks.join('').length, 7 * part.length);
      assert.equal(got.refusal, undefined);
      assert.ok(got.ended && got.head);
    });
  }
});

describe('an answer whose editor has to ask', () => {
  const asking = (): { editor: ResultEditor; answer: (with_: string | Error) => Promise<void> } => {
    const waiting: ((answer: string | Error) => void)[] = [];
    return {
      editor: () =>
        new Promise((resolve, reject) =>
          waiting.push((answer) => (answer instanceof Error ? reject(answer) : resolve(Buffer.from(answer)))),
        ),
      async answer(answer) {
        waiting.shift()?.(answer);
        await new Promise(setImmediate);
      },
    };
  };

  test('is held until it is known, and nothing overtakes it', async () => {
    const { editor, answer } = asking();
    const { reply, got } = edited(editor);
    reply.head(head('sse'));
    reply.chunk(Buffer.from('data: {"a":1}\n\ndata: {"a":2}\n\n: comment\n\n'));
    reply.chunk(Buffer.from('data: {"a":3}\n\n'));
    reply.end();
    assert.deepEqual([got.chunks, got.ended], [[], false]);
    await answer('{"A":1}');
    assert.deepEqual(got.chunks, ['data: {"A":1}\n\n']);
    await answer('');
    assert.deepEqual(got.chunks.slice(1), [': comment\n\n']);
    assert.ok(!got.ended);
    await answer('{"A":3}');
    assert.deepEqual([got.chunks.slice(2), got.ended], [['data: {"A":3}\n\n'], true]);
  });

  test('has the length of what was made of it', async () => {
    const { editor, answer } = asking();
    const { reply, got } = edited(editor);
    reply.head(head('json'));
    reply.chunk(Buffer.from(LIST));
    reply.end();
    assert.deepEqual(Object.keys(got), ['chunks', 'ended']);
    await answer(FILTERED);
    assert.deepEqual([got.head?.contentLength, got.chunks, got.ended], [FILTERED.length, [FILTERED], true]);
  });

  test('fails when nobody knows, and when it has failed meanwhile', async () => {
    const unknown = asking();
    const one = edited(unknown.editor);
    one.reply.head(head('sse'));
    one.reply.chunk(Buffer.from('data: 1\n\ndata: 2\n\n'));
    one.reply.end();
    await unknown.answer(new Error('away'));
    assert.equal(one.got.refusal?.reason, 'upstream-result-unreadable');
    assert.deepEqual([one.got.chunks, one.got.ended], [[], false]);
    const broken = asking();
    const other = edited(broken.editor);
    other.reply.head(head('sse'));
    other.reply.chunk(Buffer.from('data: 1\n\n'));
    other.reply.fail({ reason: 'upstream-broken' });
    assert.deepEqual(Object.keys(other.got), ['chunks', 'ended', 'head']);
    await broken.answer('1');
    assert.deepEqual([other.got.chunks, other.got.refusal?.reason], [['data: 1\n\n'], 'upstream-broken']);
  });

  test('is given up when more comes behind it than is held', () => {
    const { reply, got } = edited(asking().editor);
    reply.head(head('sse'));
    reply.chunk(Buffer.from('data: 1\n\n'));
    const large = Buffer.from(`data: ${'x'.repeat(1024 * 1024)}\n\n`);
    for (let count = 0; count < 5; count++) reply.chunk(large);
    assert.equal(got.refusal?.reason, 'upstream-result-too-large');
  });

  test('is given up also where each message has to be asked for', async () => {
    const { editor, answer } = asking();
    const { reply, got } = edited(editor);
    reply.head(head('sse'));
    const large = Buffer.from(`data: ${'x'.repeat(1024 * 1024)}\n\n`);
    for (let count = 0; count < 10 && !got.refusal; count++) {
      reply.chunk(Buffer.concat([large, large]));
      await answer('1');
    }
    assert.equal(got.refusal?.reason, 'upstream-result-too-large');
  });
});
