/** What holds of masking whatever is sent, and what it leaves alone. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { maskMessage } from '../../../sidecar/mask/masking.ts';
import { suspect, maskText } from '../../../sidecar/mask/mask-text.ts';
import { TRIGGERS } from '../../../sidecar/mask/triggers.ts';
import { createWordScanner } from '../../../sidecar/mask/word-scanner.ts';
import { secretOf } from './forms.ts';
import { masked } from './masked.ts';
import { isIn, PLANTED, SHAPED } from './planted.ts';

const ROOT = join(import.meta.dirname, '../../..');
const WORDS = TRIGGERS.flatMap(([, words]) => words);
const secret = fc.constantFrom(...PLANTED);
const shaped = fc.constantFrom(...SHAPED);
const AROUND = { asked: false, depth: 0 };

/** A value of JSON with secrets at random places; those are in the second part. */
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.string(),
    fc.integer(),
    fc.constantFrom(null, true, 'Secret', 'users', 'kind: Secret'),
    shaped,
    fc
      .tuple(fc.string({ unit: fc.constantFrom(' ', 'é', '"', '\n', '-') }), shaped)
      .map(([text, each]) => `${text} ${each} `),
    secret.map(secretOf),
    secret.map((each) => JSON.stringify(secretOf(each))),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
  ),
})).value;

function differsInStringsAlone(before: unknown, after: unknown): void {
  if (typeof before === 'string') return assert.equal(typeof after, 'string');
  if (typeof before !== 'object' || before === null) return assert.equal(after, before);
  assert.deepEqual(Object.keys(after as object), Object.keys(before));
  for (const [key, each] of Object.entries(before))
    differsInStringsAlone(each, (after as Record<string, unknown>)[key]);
}

test('masked JSON parses, differs in strings alone, has no secret, and is masked once', () => {
  fc.assert(
    fc.property(value, (structuredContent) => {
      const message = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, result: { structuredContent } }));
      const after = maskMessage(message, 'nothing');
      const text = after.toString();
      differsInStringsAlone(JSON.parse(message.toString()), JSON.parse(text));
      for (const each of PLANTED) assert.ok(!isIn(text, each), `${each} in ${text}`);
      assert.deepEqual(maskMessage(after, 'nothing'), after);
    }),
    { numRuns: 400 },
  );
});

test('no secret passes at any chunking', async () => {
  const result = {
    content: PLANTED.map((each) => ({ type: 'text', text: JSON.stringify(secretOf(each)) })).concat(
      SHAPED.map((text) => ({ type: 'text', text: `a ${text} b` })),
    ),
  };
  const bytes = JSON.stringify(result).length;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('json' as const, 'sse' as const),
      fc.array(fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: bytes })), {
        maxLength: 60,
      }),
      async (framing, chunks) => {
        const { text } = await masked({ era: 'legacy', framing, result, chunks });
        for (const each of PLANTED) assert.ok(!isIn(text, each), each);
      },
    ),
    { numRuns: 60 },
  );
});

test('each secret is found by itself, in base64 of any text around it, and by what looks first', () => {
  for (const each of SHAPED)
    for (const before of ['', 'x=', 'ab ', 'abc: ']) {
      const text = `${before}${each}\n`;
      assert.ok(!isIn(maskText(text, AROUND), each), text);
      const encoded = Buffer.from(text).toString('base64');
      const message = Buffer.from(encoded);
      assert.notEqual(suspect(message), 0, text);
      assert.equal(maskText(encoded, AROUND), '***', text);
    }
});

test('the scanner says what includes says', () => {
  const words = ['he', 'she', 'hers', 'his', 'éa'];
  const scan = createWordScanner([
    [1, words.slice(0, 2)],
    [2, words.slice(2)],
  ]);
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'heris éa'), maxLength: 12 }), (text) => {
      const has = (from: number, to?: number) => words.slice(from, to).some((each) => text.includes(each));
      assert.equal(scan(Buffer.from(text, 'latin1')), Number(has(0, 2)) + 2 * Number(has(2)));
    }),
    { numRuns: 2_000 },
  );
  assert.ok(WORDS.every((each) => each.length >= 2));
});

const hex = (bytes: number): string => randomBytes(bytes).toString('hex');
const ORDINARY: Readonly<Record<string, string>> = {
  hashes: Array.from({ length: 200 }, () => createHash('sha256').update(hex(8)).digest('hex')).join('\n'),
  'hashes in base64': Array.from({ length: 200 }, () => `sha512-${randomBytes(64).toString('base64')}`).join(
    '\n',
  ),
  UUIDs: Array.from({ length: 200 }, () => crypto.randomUUID()).join(', '),
  'digests of images': Array.from({ length: 200 }, () => `registry.example/app@sha256:${hex(32)}`).join('\n'),
  certificates: `-----BEGIN CERTIFICATE-----\n${randomBytes(900)
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n')}\n-----END CERTIFICATE-----\n`,
  'a public key': `-----BEGIN PUBLIC KEY-----\n${randomBytes(300).toString('base64')}\n-----END PUBLIC KEY-----\n`,
  'a table of kubectl': 'NAME TYPE DATA AGE\ndb Opaque 2 3d\nweb kubernetes.io/tls 2 3d\n',
  'words about secrets':
    'Create an object of kind: Secret and mount it. A Secret has data: see type: Opaque, token: and password: there.',
  'a pod with references': `apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - name: a\n      env:\n        - name: AWS_SECRET_ACCESS_KEY\n          valueFrom:\n            secretKeyRef: {name: aws, key: secret}\n      data: here\n`,
  'a ConfigMap': 'kind: ConfigMap\ndata:\n  a: "1"\n  password: asked elsewhere\n',
  'a describe of a Secret': 'Name: db\nType:  Opaque\n\nData\n====\npassword:  12 bytes\n',
  names: 'task-sk-1 disk-proj- AKIA xoxo eyJ hf_model npm_config_cache ghp_ sk-learn AIza',
  'metadata of Secrets': JSON.stringify({
    kind: 'Secret',
    metadata: { name: 'db', uid: crypto.randomUUID() },
    type: 'Opaque',
  }),
};

describe('masking leaves alone', () => {
  for (const [what, text] of Object.entries(ORDINARY))
    test(what, () => {
      const message = Buffer.from(
        JSON.stringify({ jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text }] } }),
      );
      assert.equal(maskMessage(message, 'nothing').toString(), message.toString());
    });

  test('images, and bytes of anything', () => {
    for (let at = 0; at < 20; at++) {
      const data = randomBytes(30_000).toString('base64');
      const content = [
        { type: 'image', mimeType: 'image/png', data },
        { type: 'text', text: data },
      ];
      const message = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, result: { content, blob: data } }));
      assert.equal(maskMessage(message, 'nothing').toString(), message.toString());
    }
  });

  test('the documentation and the sources of this repository', () => {
    const files = globSync(['*.md', 'docs/*.md', 'sidecar/filter/*.ts', 'package-lock.json'], { cwd: ROOT });
    assert.ok(files.length > 40);
    const changed = files.filter((path) => {
      const text = readFileSync(join(ROOT, path), 'utf8');
      return maskText(text, AROUND) !== text;
    });
    assert.deepEqual(changed, []);
  });
});

test('time grows with the text alone', () => {
  const seeds = [
    ...WORDS,
    '{',
    '{"',
    '[{',
    '- ',
    ' ',
    '\n',
    'a: ',
    'kind: Secret\n',
    '-----BEGIN PRIVATE KEY-----',
    '-----BEGIN ',
    'eyJa.',
    'eyJ-',
    '"kind":"Secret"',
    'secret_access_key',
    'secret_access_key value ',
    '{kind',
    'users:\n',
    ' data:\n ',
    'LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t\n',
    '"\\',
    `${'a'.repeat(60)}\n`,
    `ZXlK${'a'.repeat(60)}\n    `,
  ];
  for (const seed of seeds) {
    const text = seed.repeat(Math.ceil(200_000 / seed.length));
    const spent = timeOf(text);
    // Squares would take some ten seconds and more.
    assert.ok(spent < 2_000, `${JSON.stringify(seed)} took ${spent} ms`);
  }
});

function timeOf(text: string): number {
  const message = Buffer.from(JSON.stringify({ result: `Secret users: ${text}` }));
  const from = process.cpuUsage();
  maskMessage(message, 'nothing');
  maskText(`kind: Secret\n${text}`, { asked: true, depth: 0 });
  const { user, system } = process.cpuUsage(from);
  return (user + system) / 1_000;
}
