import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { REASONS, codesIn, withCodes } from '../../webhook/reasons.ts';
import type { Reason } from '../../webhook/reasons.ts';
import { assertGolden } from './golden.ts';
import { refusalsDoc } from './refusals-doc.ts';

const codes = Object.keys(REASONS) as Reason[];

describe('the reasons of the webhook', () => {
  test('are docs/refusals.md', () => {
    assertGolden(new URL('../../docs/refusals.md', import.meta.url), refusalsDoc());
  });

  test('have codes of the form of Kubernetes’ own, and a mend where a pod is refused', () => {
    for (const code of codes) {
      assert.match(code, /^([A-Z][a-z]+)+$/);
      assert.match(REASONS[code].means, /\.$/, code);
      if (REASONS[code].outcome === 'refused') assert.ok('mend' in REASONS[code], code);
    }
  });

  test('are all given somewhere', () => {
    const source = globSync('webhook/**/*.ts', { cwd: new URL('../../', import.meta.url).pathname })
      .filter((path) => path !== 'webhook/reasons.ts')
      .map((path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'))
      .join('\n');
    assert.deepEqual(
      codes.filter((code) => !source.includes(`'${code}'`)),
      [],
    );
  });

  test('are read back from whoever quotes the message', () => {
    for (const code of codes) assert.deepEqual(codesIn(withCodes('a [b]', [code, code])), [code]);
    assert.deepEqual(codesIn(withCodes('a', codes)), codes);
    assert.deepEqual(codesIn('Error creating: … denied the request: x; y [PortMissing, HostNetwork]\n'), [
      'PortMissing',
      'HostNetwork',
    ]);
    for (const text of ['', '[constructor]', 'a [Nothing]', '[PortMissing] and more', '[portMissing]']) {
      assert.deepEqual(codesIn(text), [], text);
    }
  });
});
