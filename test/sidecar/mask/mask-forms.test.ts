/** Every form of a secret in both framings and eras, through the pass and what stands in front of replies. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { maskText } from '../../../sidecar/mask/mask-text.ts';
import { masked, type Framing } from './masked.ts';
import { FORMS, secretOf } from './forms.ts';
import { isIn, PLANTED, SHAPED, UNSHAPED } from './planted.ts';

const ERAS = ['legacy', 'modern'] as const;
const FRAMINGS: readonly Framing[] = ['json', 'sse'];

test('there are fifty secrets', () => assert.equal(new Set(PLANTED).size, 50));

for (const era of ERAS)
  for (const framing of FRAMINGS)
    describe(`masking of ${framing}, ${era},`, () => {
      for (const { title, text, args, structured, keeps = [], shapedOnly } of FORMS)
        test(`of ${title}`, async () => {
          for (const secret of shapedOnly ? SHAPED.slice(0, 12) : [...UNSHAPED, SHAPED[4]!, SHAPED.at(-1)!]) {
            if (title === 'describe' && secret.includes('\n')) continue;
            const given = text(secret);
            const result = {
              content: [{ type: 'text', text: given }],
              ...(structured ? { structuredContent: structured(secret) } : {}),
            };
            const answer = await masked({ era, framing, result, args });
            assert.ok(!isIn(answer.text, secret), answer.text);
            const value = answer.message.result;
            sameShape(value, result);
            for (const each of keeps) assert.ok(value.content[0].text.includes(each), answer.text);
            assert.equal(answer.message.id, 7);
            if (parses(given)) assert.ok(parses(value.content[0].text), value.content[0].text);
            const again = await masked({ era, framing, result: value, args });
            assert.equal(again.text, answer.text, 'idempotent');
          }
        });
    });

const parses = (text: string): boolean => {
  try {
    return parseAllDocuments(text).every(({ errors }) => errors.length === 0);
  } catch {
    return false;
  }
};

function sameShape(after: unknown, before: unknown): void {
  if (typeof before !== 'object' || before === null) return assert.equal(typeof after, typeof before);
  assert.deepEqual(Object.keys(after as object), Object.keys(before));
  for (const [key, each] of Object.entries(before)) sameShape((after as Record<string, unknown>)[key], each);
}

const text = (value: unknown): object => ({ type: 'text', text: JSON.stringify(value) });
const secret = UNSHAPED[0]!;
const PLACES: Readonly<Record<string, object>> = {
  'an error': { error: { code: -32603, message: `bad: ${SHAPED[0]}`, data: secretOf(secret) } },
  'an error of a tool': { result: { isError: true, content: [text(secretOf(secret))] } },
  'a resource': {
    result: {
      contents: [
        { uri: 'k8s://secrets/db', mimeType: 'application/json', text: JSON.stringify(secretOf(secret)) },
      ],
    },
  },
  'a resource in base64': {
    result: {
      contents: [{ uri: 'a:b', blob: Buffer.from(JSON.stringify(secretOf(secret))).toString('base64') }],
    },
  },
  'a resource in a result': {
    result: {
      content: [{ type: 'resource', resource: { uri: 'a:b', text: JSON.stringify(secretOf(secret)) } }],
    },
  },
  'a prompt': { result: { messages: [{ role: 'user', content: text(secretOf(secret)) }] } },
  'a log message': { method: 'notifications/message', params: { level: 'info', data: secretOf(secret) } },
  progress: {
    method: 'notifications/progress',
    params: { progress: 1, message: JSON.stringify(secretOf(secret)) },
  },
  'a question': { method: 'elicitation/create', params: { message: `Use ${SHAPED[0]}?` } },
  'a task': { result: { taskId: 't', status: 'completed', result: { content: [text(secretOf(secret))] } } },
  'equal keys': { result: { content: [text({ ...secretOf(secret) })] } },
};
for (const [place, message] of Object.entries(PLACES))
  for (const framing of FRAMINGS)
    test(`secrets are masked in ${place}, ${framing}`, async () => {
      const answer = await masked({ era: 'legacy', framing, message });
      for (const each of [secret, SHAPED[0]!]) assert.ok(!isIn(answer.text, each), answer.text);
      const blob = answer.message.result?.contents?.[0].blob;
      if (blob) assert.equal(JSON.parse(Buffer.from(blob, 'base64').toString()).data.password, '***');
    });

test('what a task has made is masked by the arguments of the call', async () => {
  const { message } = await masked({
    era: 'modern',
    framing: 'json',
    args: { resource: 'secret', output: 'jsonpath={.data.p}' },
    result: { task: { taskId: 'made', status: 'working' } },
    next: { method: 'tasks/result', target: 'made', result: { content: [{ type: 'text', text: secret }] } },
  });
  assert.deepEqual(message.result.content, [{ type: 'text', text: '***' }]);
});

test('handles of the protocol stay', async () => {
  const result = { nextCursor: SHAPED[4], requestState: SHAPED[4], taskId: SHAPED[4], content: [] };
  assert.deepEqual((await masked({ era: 'modern', framing: 'json', result })).message.result, result);
});

test('of equal keys each is masked', async () => {
  const raw = `{"jsonrpc":"2.0","id":7,"result":{"structuredContent":{"kind":"Secret","kind":"Other","data":{"a":"${secret}"},"data":{"a":"x","a":"${secret}"}}}}`;
  assert.ok(!(await masked({ era: 'legacy', framing: 'json', raw })).text.includes(secret));
});

test('large numbers and spaces keep their bytes', async () => {
  const raw = `{ "jsonrpc":"2.0", "id":7,"result":{"n":12345678901234567890, "e":"\\u00e4", "t":"${SHAPED[0]}" } }`;
  assert.equal((await masked({ era: 'legacy', framing: 'json', raw })).text, raw.replace(SHAPED[0]!, '***'));
});

test('what looks like JSON and is none, and what is too large, does not go out', async () => {
  const raw = `{"result": ["${SHAPED[0]}", }`;
  assert.equal((await masked({ era: 'legacy', framing: 'json', raw })).refused, 'upstream-result-unreadable');
  const large = JSON.stringify({ result: 'x'.repeat(5 * 1024 * 1024) });
  for (const framing of FRAMINGS)
    assert.equal(
      (await masked({ era: 'legacy', framing, raw: large, chunks: [4_300_000] })).refused,
      'upstream-result-too-large',
    );
});

test('deep and nested JSON is masked as a whole', () => {
  let value = secret;
  for (let depth = 0; depth < 9; depth++) value = JSON.stringify({ value, kind: 'Secret' });
  assert.ok(!maskText(value, { asked: false, depth: 0 }).includes(secret));
});
