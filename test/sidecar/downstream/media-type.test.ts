import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { contentTypeProblem } from '../../../sidecar/downstream/media-type.ts';

const JSON_TYPES = [
  'application/json',
  'Application/JSON',
  'application/json;charset=utf-8',
  'application/json; charset=UTF-8',
  'application/json ; charset="utf-8"',
  'application/json; charset="ut\\f-8"',
  'application/json; profile="a b"; charset=utf-8',
  'application/json;',
  'application/json; ; charset=utf8',
];
const PROBLEMS: Readonly<Record<string, RegExp>> = {
  '': /another/,
  'text/plain': /another/,
  'application/jsonp': /another/,
  'application/json-patch+json': /another/,
  'application/json, application/json': /another/,
  'text/plain; application/json': /another/,
  'application/json; charset=utf-16': /not UTF-8/,
  'application/json; CHARSET=latin1': /not UTF-8/,
  'application/json; charset=utf-8; charset=utf-8': /two charsets/,
  'application/json; charset': /malformed/,
  'application/json; charset = utf-8': /malformed/,
  'application/json; charset="utf-8': /malformed/,
  'application/json; ="utf-8"': /malformed/,
};

describe('Content-Type', () => {
  for (const value of JSON_TYPES)
    test(`${value} is JSON`, () => assert.equal(contentTypeProblem(['content-TYPE', value]), undefined));

  for (const [value, problem] of Object.entries(PROBLEMS))
    test(`${value || 'nothing'} is not`, () =>
      assert.match(contentTypeProblem(['Content-Type', value])!, problem));

  test('has to be there, once', () => {
    assert.match(contentTypeProblem(['Accept', 'application/json'])!, /none/);
    const one = ['Content-Type', 'application/json'];
    assert.match(contentTypeProblem([...one, 'Host', 'x', ...one])!, /two/);
  });
});
