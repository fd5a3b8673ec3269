import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createForesight } from '../../webhook/foresight.ts';
import { plainPod } from './reviews.ts';

const LIMITS = {
  spec: { limits: [{ type: 'Pod', max: { memory: '16Mi' } }] },
  metadata: { name: 'small' },
};
const asked = { pod: plainPod({ inject: 'true' }), namespace: 'demo', pods: 1 };
const settings = { image: 'image:1', imagePullPolicy: 'Always' } as const;

function foresight(get: (path: string) => Promise<unknown>, deadlineMs?: number) {
  const lines: unknown[] = [];
  const foreseen = createForesight({
    api: { get: async <T>(path: string) => (await get(path)) as T },
    settings,
    log: (...line) => void lines.push(line),
    ...(deadlineMs !== undefined && { deadlineMs }),
  })(asked);
  return { foreseen, lines };
}

test('a LimitRange of the namespace below our needs is told, with its code', async () => {
  const paths: string[] = [];
  const { foreseen } = foresight(async (path) => {
    paths.push(path);
    return { items: path.endsWith('limitranges') ? [LIMITS] : [] };
  });
  const words = await foreseen;
  assert.ok(words.length > 0);
  for (const word of words) assert.match(word, /limitrange\/small.*\[LimitRangeExceeded\]$/);
  assert.deepEqual(paths, ['/api/v1/namespaces/demo/limitranges', '/api/v1/namespaces/demo/resourcequotas']);
});

test('what cannot be read, or not in time, is not foreseen: the log says why', async () => {
  const forbidden = foresight(async () => {
    throw new Error('403 forbidden');
  });
  assert.deepEqual(await forbidden.foreseen, []);
  const slow = foresight(() => new Promise(() => undefined), 20);
  assert.deepEqual(await slow.foreseen, []);
  assert.deepEqual(
    [forbidden.lines, slow.lines],
    ['403 forbidden', 'no answer within 20 ms'].map((detail) => [
      ['error', 'nothing was foreseen', { namespace: 'demo', detail }],
    ]),
  );
});
