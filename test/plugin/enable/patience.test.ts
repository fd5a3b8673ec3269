import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createPatience } from '../../../plugin/enable/patience.ts';

const status = (code: number) => Object.assign(new Error(String(code)), { code, body: '' });
const refused = Object.assign(new Error('fetch failed'), {
  cause: Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
});

it('an API server that is away is waited for, for a time that starts anew with each answer', async () => {
  let now = 0;
  const patience = createPatience(() => now);
  const failing = (error: Error) => patience(() => Promise.reject(error));
  assert.equal(await failing(refused), undefined);
  now = 29_000;
  assert.equal(await failing(status(503)), undefined);
  assert.equal(await patience(async () => 'answer'), 'answer');
  now = 58_000;
  assert.equal(await failing(status(429)), undefined);
  now = 90_000;
  await assert.rejects(failing(refused), /fetch failed/);
});

it('what the API server refuses is told at once', async () => {
  const patience = createPatience(() => 0);
  for (const code of [403, 404])
    await assert.rejects(
      patience(() => Promise.reject(status(code))),
      new RegExp(String(code)),
    );
});
