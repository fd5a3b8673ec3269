import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { createSessions, KEY_BYTES } from '../../sidecar/sessions.ts';

const POD = { uid: 'uid-1', address: '10.0.0.1:7410' };
const FIELDS = {
  upstreamId: 'upstream-secret-id',
  principal: 'digest-of-alice',
  version: '2025-11-25',
  initializeParams: '{"clientInfo":{"name":"é","version":"1"}}',
};

describe('sealed session ids', () => {
  const key = randomBytes(KEY_BYTES);
  /** Another process with the same key: nothing is remembered. */
  const anew = () => createSessions(POD, key);

  test('open for the principal that they were made for', () => {
    const sessions = anew();
    const made = sessions.seal(FIELDS);
    const expected = { ...FIELDS, podUid: POD.uid, address: POD.address, sealed: made.sealed };
    assert.deepEqual(sessions.open(made.sealed, FIELDS.principal), expected);
    assert.deepEqual(anew().open(made.sealed, FIELDS.principal), expected, 'without memory');
  });

  test('do not open for another principal, remembered or not', () => {
    const sessions = anew();
    const { sealed } = sessions.seal(FIELDS);
    assert.equal(sessions.open(sealed, 'digest-of-bob'), undefined);
    assert.equal(anew().open(sealed, 'digest-of-bob'), undefined);
  });

  test('do not open in another pod, nor under another key', () => {
    const { sealed } = anew().seal(FIELDS);
    assert.equal(createSessions({ ...POD, uid: 'uid-2' }, key).open(sealed, FIELDS.principal), undefined);
    assert.equal(createSessions(POD).open(sealed, FIELDS.principal), undefined);
  });

  test('do not open at another server of the pod, remembered or not', () => {
    const { sealed } = anew().seal(FIELDS);
    const other = createSessions({ ...POD, address: '10.0.0.1:7412' }, key);
    assert.equal(other.open(sealed, FIELDS.principal), undefined);
    assert.equal(other.open(sealed, FIELDS.principal), undefined);
  });

  test('do not open when any character is another', () => {
    const { sealed } = anew().seal(FIELDS);
    for (let at = 0; at < sealed.length; at++) {
      const other = sealed[at] === 'A' ? 'B' : 'A';
      const forged = sealed.slice(0, at) + other + sealed.slice(at + 1);
      assert.equal(anew().open(forged, FIELDS.principal), undefined, `character ${at}`);
    }
  });

  for (const [name, forge] of Object.entries({
    'an empty id': () => '',
    'a cut id': (sealed: string) => sealed.slice(0, -4),
    'a longer id': (sealed: string) => `${sealed}AAAA`,
    padding: (sealed: string) => `${sealed}=`,
    'white space': (sealed: string) => ` ${sealed}`,
    'the standard alphabet of base64': (sealed: string) => sealed.replace(/.$/, '+'),
    'a UUID': () => 'b1a1e5a0-4b1c-4d37-9a53-0f6f5f6d2c11',
    'a very long id': () => 'A'.repeat(100_000),
    'what is no base64': () => '%%%%\u{1f600}'.repeat(20),
  })) {
    test(`do not open from ${name}`, () => {
      assert.equal(anew().open(forge(anew().seal(FIELDS).sealed), FIELDS.principal), undefined);
    });
  }

  test('tell nothing of what they hold, and differ each time', () => {
    const sessions = anew();
    const { sealed } = sessions.seal(FIELDS);
    const bytes = Buffer.from(sealed, 'base64url');
    for (const text of ['upstream-secret-id', 'alice', '10.0.0.1', 'uid-1'])
      assert.ok(!bytes.includes(text), text);
    assert.notEqual(sessions.seal(FIELDS).sealed, sealed);
    // A header value that every client may send back (specification: visible ASCII).
    assert.match(sealed, /^[A-Za-z0-9_-]+$/);
  });

  test('stay under what servers take as headers, however long the initialize request was', () => {
    const initializeParams = JSON.stringify({ clientInfo: { name: 'x'.repeat(100_000) } });
    const made = anew().seal({ ...FIELDS, initializeParams });
    assert.equal(made.initializeParams, null);
    assert.ok(made.sealed.length < 1_000);
    const longest = anew().seal({ ...FIELDS, initializeParams: '\u{1f600}'.repeat(1_024) });
    assert.ok(longest.sealed.length < 8_192, String(longest.sealed.length));
    assert.ok(anew().open(longest.sealed, FIELDS.principal));
  });

  test('a key of another length stops the start', () => {
    assert.throws(() => createSessions(POD, randomBytes(16)), /16 bytes, not 32/);
  });
});
