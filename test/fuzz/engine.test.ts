import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzz } from './engine/fuzz.ts';
import { minimise } from './engine/minimise.ts';
import { mutate } from './engine/mutate.ts';
import { randomOf } from './engine/random.ts';
import { Finding, hold, type Target } from './engine/target.ts';
import { readWithLlhttp } from './oracles/llhttp.ts';
import { jsonTree, member, memberInGo } from './oracles/json-tree.ts';
import { TARGETS } from './targets/targets.ts';

const target = (run: Target['run']): Target => ({
  name: 'x',
  dictionary: ['magic'],
  covers: ['sidecar/sse.ts'],
  maxBytes: 100,
  generate: (random) => random.bytes(random.int(20)),
  run,
});
const options = { seed: 1, timeoutMs: 5_000, corpus: [Buffer.from('a seed')], starts: () => undefined };

describe('the fuzzer', () => {
  test('finds what the dictionary leads to, and makes it small', async () => {
    const { finding } = await fuzz(
      target((input) => hold(!input.includes('magic'), 'found')),
      options,
    );
    assert.equal(finding?.input.toString(), 'magic');
    assert.ok(finding.error instanceof Finding);
  });

  test('tries what is kept first', async () => {
    const { executions, finding } = await fuzz(
      target((input) => hold(!input.includes('seed'), 'found')),
      options,
    );
    assert.equal(finding?.input.toString(), 'seed');
    assert.ok(executions < 30);
  });

  test('stops when its time is over', async () => {
    const { finding, executions } = await fuzz(
      target(() => undefined),
      { ...options, timeoutMs: 200 },
    );
    assert.equal(finding, undefined);
    assert.ok(executions > 1);
  });

  test('does not go from one failure to another while it makes an input smaller', async () => {
    const { finding } = await fuzz(
      target((input) => {
        hold(input.length < 6, 'long');
        hold(!input.includes('a'), 'letter');
      }),
      { ...options, corpus: [Buffer.from('aaaaaaaaaa')] },
    );
    assert.equal((finding?.error as Finding | undefined)?.kind, 'long');
    assert.equal(finding?.input.length, 6);
  });
});

test('the same seed gives the same inputs', () => {
  assert.deepEqual(inputs(7), inputs(7));
  assert.notDeepEqual(inputs(7), inputs(8));
});

test('mutations stay within the bound and differ', () => {
  const random = randomOf(3);
  const input = Buffer.from('HTTP/1.1 200 OK');
  const given = { dictionary: [Buffer.from('x'.repeat(50))], others: [input], maxBytes: 40 };
  const made = Array.from({ length: 200 }, () => mutate(random, input, given));
  assert.ok(made.every(({ length }) => length <= 40));
  assert.ok(new Set(made.map(String)).size > 100);
});

test('what is not needed for a failure is left out', async () => {
  assert.equal(String(await minimise(Buffer.from('aabbccddee'), hasBoth, 1_000)), 'bd');
});

describe('the oracles', () => {
  test('llhttp is in its strict mode', () => {
    const whole = 'HTTP/1.1 100 X\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\na:c\r\nContent-Length: 2\r\n\r\nhi';
    const ok = read(`${whole}X`);
    assert.deepEqual(
      [ok.status, ok.headers.get('a'), ok.body.toString(), ok.end],
      [200, 'b, c', 'hi', whole.length],
    );
    for (const refused of [
      'Content-Length: 2\nA: b\r\n\r\n',
      'A : b\r\n\r\n',
      'A: b\r\n c\r\n\r\n',
      'Content-Length: 1\r\nContent-Length: 1\r\n\r\n',
      'Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    ])
      assert.notEqual(read(`HTTP/1.1 200 OK\r\n${refused}`).error, undefined, refused);
  });

  test('the JSON tree keeps duplicates, and Go folds case', () => {
    const tree = jsonTree(
      Buffer.from('{"name":"a", "na\\u006de" : [1, {}],"N\u00e1me":0,"NAME":2,"ta\u017fk":3}'),
    );
    assert.deepEqual(
      tree.members?.map(([key]) => key),
      ['name', 'name', 'N\u00e1me', 'NAME', 'ta\u017fk'],
    );
    assert.equal(member(tree, 'name')?.elements?.length, 2);
    assert.equal(memberInGo(tree, 'name'), tree.members?.[3]?.[1]);
    assert.equal(memberInGo(tree, 'task'), tree.members?.[4]?.[1]);
    assert.equal(memberInGo(tree, 'id'), undefined);
  });
});

const hasBoth = (input: Buffer) => Promise.resolve(input.includes('b') && input.includes('d'));
const read = (text: string) => readWithLlhttp(Buffer.from(text, 'latin1'), false);

function inputs(seed: number): string[] {
  const random = randomOf(seed);
  return TARGETS.flatMap((each) =>
    Array.from({ length: 20 }, () => each.generate(random).toString('latin1')),
  );
}
