import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request, type ClientRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import express from 'express';
import { createBodyTurns } from '../../webhook/body-turns.ts';
import { until } from './process/webhook.ts';

describe('bodies of 100 bytes at once, small ones of 10', () => {
  const started: string[] = [];
  const note = (each: express.Request, _: express.Response, next: express.NextFunction) => {
    started.push(each.url);
    next();
  };
  let server: ReturnType<ReturnType<typeof express>['listen']>;
  before(async () => {
    const app = express();
    app.post('/*all', createBodyTurns({ smallBytes: 10, bytes: 100, timeoutMs: 300 }), note);
    app.use(express.text({ type: () => true }), (sent, response) => void response.send(sent.body));
    server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => server.close());

  /** Headers, and no body yet. */
  function begin(path: string, length?: number): ClientRequest & { answer: Promise<string> } {
    const { port } = server.address() as AddressInfo;
    const headers = { connection: 'close', ...(length !== undefined && { 'content-length': length }) };
    const sent = request({ host: '127.0.0.1', port, path, method: 'POST', headers });
    sent.flushHeaders();
    const answer = once(sent, 'response').then(async ([response]) => {
      const text: string = (await response.setEncoding('utf8').toArray()).join('');
      return `${response.statusCode} ${text}`;
    });
    return Object.assign(sent, { answer });
  }
  const isStarted = (path: string) => until(`${path} to start`, () => started.includes(path));

  test('a large body waits for the large ones before it, a small one for none', async () => {
    const first = begin('/first', 100);
    await isStarted('/first');
    const second = begin('/second', 50);
    const endless = begin('/endless');
    const given = begin('/given-up', 60);
    const small = begin('/small', 5);
    small.end('small');
    assert.equal(await small.answer, '200 small');
    given.answer.catch(() => {});
    given.destroy();
    assert.ok(!started.includes('/second') && !started.includes('/endless'));
    first.end('x'.repeat(100));
    assert.equal(await first.answer, `200 ${'x'.repeat(100)}`);
    await isStarted('/second');
    second.end('y'.repeat(50));
    endless.end('z');
    assert.deepEqual(await Promise.all([second.answer, endless.answer]), [`200 ${'y'.repeat(50)}`, '200 z']);
    assert.ok(!started.includes('/given-up'));
  });

  test('who does not send in time loses the turn, with the reason, and the next one has it', async () => {
    const slow = begin('/slow', 1_000);
    await isStarted('/slow');
    slow.write('x');
    const next = begin('/next', 100);
    next.end('n'.repeat(100));
    assert.equal(await slow.answer, '408 the review was not sent within 0.3 s');
    assert.match(await next.answer, /^200 n+$/);
    slow.destroy();
  });
});
