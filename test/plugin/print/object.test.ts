import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkFormat, formatJson, formatYaml } from '../../../plugin/print/object.ts';

test('YAML has sorted keys, sequences at the level of their key, and quotes what Go reads otherwise', async () => {
  const value = { b: [{ name: 'x' }], a: 'on', port: '80', date: '2026-11-20', created: new Date(0) };
  assert.equal(
    await formatYaml(value),
    'a: "on"\nb:\n- name: x\ncreated: "1970-01-01T00:00:00Z"\ndate: "2026-11-20"\nport: "80"\n',
  );
});

test('several objects are several documents', async () => {
  assert.equal(await formatYaml({ a: 1 }, { b: 2 }), 'a: 1\n---\nb: 2\n');
});

test('a date of the API has no milliseconds, a text that looks like one is left alone', () => {
  assert.equal(
    formatJson({ at: new Date(0), text: '1970-01-01T00:00:00.000Z' }),
    '{\n    "at": "1970-01-01T00:00:00Z",\n    "text": "1970-01-01T00:00:00.000Z"\n}\n',
  );
});

test('an unknown format is refused in the words of kubectl', () => {
  assert.equal(checkFormat(undefined, ['json']), undefined);
  assert.equal(checkFormat('json', ['json', 'yaml']), 'json');
  assert.throws(() => checkFormat('toml', ['yaml', 'json']), {
    message:
      'unable to match a printer suitable for the output format "toml", allowed formats are: json,yaml',
  });
});
