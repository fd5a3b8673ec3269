import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { missingCapability, undeclared } from '../../../../sidecar/upstream/legacy/questions.ts';

const lacks = (method: string, params: object, capabilities: Record<string, unknown>) =>
  undeclared({ method, params: JSON.stringify(params) }, { capabilities });

describe('what a client has to declare to be asked', () => {
  const form = { requestedSchema: {} };
  const url = { mode: 'url', url: 'https://x' };
  const cases: [string, string, object, Record<string, unknown>, object | undefined][] = [
    ['a form of one that has forms', 'elicitation/create', form, { elicitation: { form: {} } }, undefined],
    ['a form of one that says no more', 'elicitation/create', form, { elicitation: {} }, undefined],
    [
      'a form of one that opens pages alone',
      'elicitation/create',
      form,
      { elicitation: { url: {} } },
      { elicitation: { form: {} } },
    ],
    [
      'a page of one that has forms alone',
      'elicitation/create',
      url,
      { elicitation: {} },
      { elicitation: { url: {} } },
    ],
    ['a page of one that opens them', 'elicitation/create', url, { elicitation: { url: {} } }, undefined],
    ['a model of one that has none', 'sampling/createMessage', {}, {}, { sampling: {} }],
    ['a model of one that has one', 'sampling/createMessage', {}, { sampling: {} }, undefined],
    [
      'a model that is to use tools',
      'sampling/createMessage',
      { tools: [] },
      { sampling: {} },
      { sampling: { tools: {} } },
    ],
    ['roots', 'roots/list', {}, {}, { roots: {} }],
    ['what no client knows', 'dance', {}, { roots: {} }, {}],
  ];
  for (const [title, method, params, capabilities, expected] of cases)
    test(title, () => assert.deepEqual(lacks(method, params, capabilities), expected));
});

test('a client is told what it would have had to declare', () => {
  assert.deepEqual(missingCapability({ elicitation: { url: {} } }), {
    status: 400,
    code: -32021,
    message: 'The server needs what this client has not declared: elicitation.url',
    data: { requiredCapabilities: { elicitation: { url: {} } } },
  });
});
