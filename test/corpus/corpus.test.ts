/**
 * The corpus against servers of real SDKs behind the real sidecar: what one reads, all read, and the audit line says.
 * The servers are made once for the machine; pip and go fetch what they need then.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { assertGolden } from '../webhook/golden.ts';
import { BODIES, INPUTS } from './inputs.ts';
import { readLaxly } from './lax-reader.ts';
import { RECORDERS, startRecorder, type Recorder } from './recorders.ts';
import { rulesTable } from './rules-table.ts';
import { runCorpus } from './run-corpus.ts';
import { differences, disagreements, faultsOf } from './verdict.ts';

let recorders: Recorder[] = [];
before(async () => {
  recorders = await Promise.all(RECORDERS.map(startRecorder));
});
after(async () => {
  await Promise.all(recorders.map((recorder) => recorder.stop()));
});

describe('the corpus', () => {
  test('is large enough, and a good part of it is honest', () => {
    assert.ok(INPUTS.length >= 300, String(INPUTS.length));
    assert.ok(INPUTS.filter(({ expect }) => expect === 'understood').length >= 80);
    const titles = INPUTS.map(({ rule, title }) => `${rule}: ${title}`);
    assert.deepEqual(titles, [...new Set(titles)], 'a title twice');
  });

  test('every input is refused, or every server understands what the audit line says', async () => {
    const passages = await runCorpus(INPUTS, recorders);
    const faults = INPUTS.flatMap((input, index) =>
      faultsOf(input, passages[index]!).map((fault) => `${input.rule}, ${input.title}: ${fault}`),
    );
    assert.deepEqual(faults, []);
  });

  test('without strict reading, servers do what no audit line says', async (t) => {
    const passages = await runCorpus(BODIES, recorders, { readMessage: readLaxly, patienceMs: 2_000 });
    const wrong = BODIES.filter(
      (_, index) => [...passages[index]!.flatMap(disagreements), ...differences(passages[index]!)].length > 0,
    );
    const behindTheAudit = recorders.map(({ name }, column) => ({
      name,
      inputs: passages.filter((row) => disagreements(row[column]!).length > 0).length,
    }));
    t.diagnostic(`${wrong.length} of ${BODIES.length} inputs are understood in two ways`);
    for (const { name, inputs } of behindTheAudit)
      t.diagnostic(`${name}: ${inputs} acts that the audit does not know`);
    const rules = new Set(wrong.map(({ rule }) => rule));
    for (const rule of [
      'a key in another case',
      'a key with NUL',
      'half of a surrogate pair',
      'published attacks',
    ])
      assert.ok(rules.has(rule), `nothing was wrong with ${rule}`);
    assert.ok(rules.size >= 8 && wrong.length >= 60, `${wrong.length} inputs of ${rules.size} rules`);
    for (const name of ['Go SDK 1.2.0', 'Go SDK 1.3.1'])
      assert.ok(behindTheAudit.find((each) => each.name === name)!.inputs > 0, `${name} was not deceived`);
    assertGolden(new URL('golden/rules.md', import.meta.url), rulesTable(INPUTS, wrong));
  });
});
