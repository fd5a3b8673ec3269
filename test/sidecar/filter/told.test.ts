import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createToldEditor } from '../../../sidecar/filter/told.ts';
import { ResultRefusedError } from '../../../sidecar/passes.ts';

const OK = 'https://ok.test/';
const BAD = 'https://bad.test/';
const told = {
  resource: (uri: string) => !uri.startsWith('hidden:'),
  url: (url: string) => url === OK,
  subscriptions: true,
};
const edit = (message: string, drops = true) =>
  createToldEditor(told, drops)(Buffer.from(message)).toString();
const elicit = (params: string) =>
  `{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":${params}}`;
const news = (uri: string) => `{"method":"notifications/resources/updated","params":{"uri":"${uri}"}}`;

describe('what a server tells', () => {
  for (const [what, message] of [
    ['a URL that is allowed', elicit(`{"mode":"url","url":"${OK}"}`)],
    ['a form', elicit('{"mode":"form","requestedSchema":{}}')],
    [
      'URLs that nobody is asked to open',
      `{"jsonrpc":"2.0","id":1,"result":{"structuredContent":{"url":"${BAD}"}}}`,
    ],
    [
      'news of a resource that the caller knows',
      '{"method":"notifications/resources/updated","params":{"uri":"open:a"}}',
    ],
    ['other news', '{"method":"notifications/progress","params":{"progressToken":1,"progress":1}}'],
    ['a result that looks like news', '{"id":1,"result":{"text":"notifications/resources/updated"}}'],
  ] as const)
    test(`goes out as it is: ${what}`, () => assert.equal(edit(message), message));

  for (const [what, message] of [
    ['a question of sessions', elicit(`{"mode":"url","url":"${BAD}"}`)],
    ['one that spells its key otherwise', elicit(`{"mode":"url","URL":"${BAD}"}`)],
    ['one that writes it with an escape', elicit(`{"mode":"url","\\u0075rl":"${BAD}"}`)],
    ['one that has it twice', elicit(`{"mode":"url","url":"${BAD}","url":"${OK}"}`)],
    ['one without a proper URL', elicit('{"mode":"url","url":["x"]}')],
    [
      'a round of 2026-07-28',
      `{"id":1,"result":{"inputRequests":{"a":{"method":"elicitation/create","params":{"url":"${BAD}"}}}}}`,
    ],
    [
      'a task that waits',
      `{"method":"notifications/tasks","params":{"inputRequests":{"a":{"method":"elicitation/create","params":{"url":"${BAD}"}}}}}`,
    ],
    [
      'the error -32042',
      `{"id":1,"error":{"code":-32042,"data":{"elicitations":[{"url":"${OK}"},{"url":"${BAD}"}]}}}`,
    ],
  ] as const)
    test(`does not go out with a URL that is not allowed: ${what}`, () => {
      assert.equal(edit(message), '');
      assert.throws(
        () => edit(message, false),
        (error: unknown) => error instanceof ResultRefusedError && error.refusal.reason === 'url-forbidden',
      );
    });

  test('is not news of a resource that the caller may not know', () => {
    assert.equal(edit(news('hidden:a')), '');
    assert.equal(edit(news('hi\\u0064den:a').replace('resources/updated', 'resources\\u002fupdated')), '');
    assert.equal(edit('{"method":"notifications/resources/updated","params":{}}'), '');
  });

  test('is one JSON message', () => {
    for (const message of ['["url"]', '"url"', '{"url":NaN}']) assert.throws(() => edit(message), message);
  });
});
