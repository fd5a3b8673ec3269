import assert from 'node:assert/strict';
import { test } from 'node:test';
import { annotationsFrom, flagOf } from '../../../plugin/enable/annotation-flags.ts';

test('an annotation is a flag of the same name, but where kubectl means another thing by it', () => {
  assert.equal(flagOf('allow-tools'), 'allow-tools');
  assert.equal(flagOf('request-timeout'), 'mcp-request-timeout');
});

test("kubectl's own flag is not taken for the annotation", () => {
  assert.deepEqual(annotationsFrom({ requestTimeout: '5s', allowTools: 'a', services: true }), {
    'allow-tools': 'a',
  });
  assert.deepEqual(annotationsFrom({ mcpRequestTimeout: '5s', tlsSecret: '' }), {
    'tls-secret': '',
    'request-timeout': '5s',
  });
});
