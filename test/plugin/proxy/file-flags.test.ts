import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FILE_FLAGS, type FileKind } from '../../../plugin/proxy/file-flags.ts';

const split = (kind: FileKind, text: string): Record<string, string> => {
  const files = FILE_FLAGS[kind].split([Buffer.from(text)]);
  return Object.fromEntries(Array.from(files, ([name, content]) => [name, content.toString()]));
};
const headerFaults = (text: string): string =>
  FILE_FLAGS.upstreamHeaders.faults(FILE_FLAGS.upstreamHeaders.split([Buffer.from(text)])).join();

test('a file of tokens has a line NAME=TOKEN for each caller, or one token alone', () => {
  assert.deepEqual(split('tokens', '# a comment\nalice=a\n\r\n  bob=b=c \r\n'), {
    alice: 'a',
    bob: 'b=c',
  });
  assert.deepEqual(split('tokens', 'token-of-one\n'), { default: 'token-of-one' });
  // What base64 pads with is no name's.
  assert.deepEqual(split('tokens', 'dG9rZW4=\n'), { default: 'dG9rZW4=' });
  assert.deepEqual(split('tokens', 'dG9rZQ=='), { default: 'dG9rZQ==' });
});

test('what is wrong with it is told by line, and never shown', () => {
  for (const [text, message] of [
    ['', 'holds no token'],
    ['# nothing\n', 'holds no token'],
    ['alice=a\nsecret\n', 'line 2 is not NAME=TOKEN'],
    ['secret\nother\n', 'line 1 is not NAME=TOKEN'],
    ['../alice=a\nbob=b', 'line 1 is not NAME=TOKEN'],
    ['alice=a\n\nalice=b', 'line 3 names "alice" a second time'],
  ] as const) {
    assert.throws(() => split('tokens', text), { message }, text);
  }
  const files = FILE_FLAGS.tokens.split([Buffer.from('alice=secret\nbob=secret')]);
  assert.deepEqual(FILE_FLAGS.tokens.faults(files), ['"bob" is the same token as "alice"']);
});

test('a file of headers has a line "Name: value" for each', () => {
  assert.deepEqual(split('upstreamHeaders', 'X-Api-Key: k:1\nAuthorization:  Bearer t \n'), {
    'X-Api-Key': 'k:1',
    Authorization: 'Bearer t',
  });
  for (const text of ['X-Api-Key', 'X Key: v', '../x: v', '..: v'])
    assert.throws(() => split('upstreamHeaders', text), { message: 'line 1 is not "Name: value"' }, text);
  assert.match(headerFaults('Host: a'), /"Host" is a header of the connection/);
  assert.match(headerFaults('# none'), /holds no file/);
});
