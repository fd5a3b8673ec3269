import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { foresee } from '../../../webhook/foresee/foresee.ts';
import { foreseenText } from '../../../webhook/foresee/foreseen.ts';
import { codesIn } from '../../../webhook/reasons.ts';
import { podSecurityViolation } from '../../../webhook/foresee/pod-security.ts';
import { SIDECAR_CONTAINER, VOLUME } from '../../../webhook/names.ts';
import { injectable, injected, readPod } from '../golden-pods.ts';
import { assertGolden } from '../golden.ts';
import { pod } from './row.ts';
import { ROWS } from './rows.ts';
import { SETTINGS, podOf, rulesOf } from './subject.ts';

const foreseen = ROWS.map((row) => ({ row, found: foresee(podOf(row), rulesOf(row), SETTINGS) }));

const small = (used: string) =>
  rulesOf({ title: '', pod: pod(), quotas: [{ hard: { 'limits.memory': '1Gi' } }] }).quotas!.map((each) => ({
    ...each,
    status: { ...each.status!, used: { 'limits.memory': used } },
  }));
const asked = (used: string, pods?: number) =>
  foresee(
    podOf({ title: '', pod: pod({ memory: '128Mi' }) }),
    { name: 'web', quotas: small(used) },
    SETTINGS,
    pods,
  );

describe('what is foreseen of pods with the proxy', () => {
  for (const { row, found } of foreseen) {
    test(`${row.title}: ${row.refused ?? 'admitted'}`, () => {
      assert.deepEqual([...new Set(found.map(({ reason }) => reason))], row.refused ? [row.refused] : []);
      for (const each of found) assert.deepEqual(codesIn(foreseenText(each)), [row.refused]);
    });
  }

  test('is said with the sums and what to change', () => {
    const text = foreseen
      .filter(({ found }) => found.length > 0)
      .map(({ row, found }) => [`# ${row.title}`, ...found.map(foreseenText), ''].join('\n'));
    assertGolden(new URL('../golden/foreseen.txt', import.meta.url), text.join('\n'));
  });

  test('counts what is used, and every pod that is to come', () => {
    assert.deepEqual(asked('768Mi'), []);
    assert.deepEqual(asked('0', 4), []);
    assert.match(
      asked('0', 5)[0]!.message,
      /^a pod asks for 256Mi limits\.memory with the proxy's 128Mi, 5 pods for 1280Mi; resourcequota\/quota-0 has 1Gi of 1Gi left$/,
    );
  });

  test('names the proxy, whose size the container has too that copies the supervisor of a stdio server', () => {
    const spec = { limits: [{ type: 'Container', min: { memory: '200Mi' } }] };
    const rules = { name: 'web', limitRanges: [{ metadata: { name: 'floor' }, spec }] };
    const found = foresee(readPod('stdio.yaml'), rules, SETTINGS);
    assert.equal(found.length, 1, JSON.stringify(found));
    assert.match(found[0]!.message, /^container mcp-proxy/);
    assert.match(found[0]!.mend, /requests: \{cpu: 10m, memory: 256Mi\}/);
  });

  test('lasts where an empty namespace would have no room either', () => {
    assert.deepEqual(
      asked('769Mi').map((each) => each.lasting),
      [false],
    );
    const [row] = foreseen.filter(({ row: { title } }) => title === 'a quota has no pod left');
    assert.deepEqual(
      row!.found.map((each) => each.lasting),
      [true],
    );
  });

  test('a quota that nobody has counted yet takes no pod', () => {
    const [quota] = small('0');
    const uncounted = { ...quota!, status: { hard: quota!.status!.hard! } };
    const [found] = foresee(
      podOf({ title: '', pod: pod({ memory: '1Mi' }) }),
      { name: 'web', quotas: [uncounted] },
      SETTINGS,
    );
    assert.match(found!.message, /not been counted yet/);
    assert.equal(found!.lasting, false);
  });

  test('is nothing for pods that the webhook refuses or leaves alone', () => {
    const rules = rulesOf(ROWS.find(({ refused }) => refused)!);
    const others: Record<string, string>[] = [
      {},
      { 'kubectl-mcp.dev/inject': 'false' },
      { 'kubectl-mcp.dev/nope': 'x' },
    ];
    for (const annotations of others) {
      const one: V1Pod = { metadata: { annotations }, spec: pod() };
      assert.deepEqual(foresee(one, rules, SETTINGS), []);
    }
  });

  test('of a template of a thousand containers no resources that fit are looked for', () => {
    const row = foreseen.find(
      ({ row: { limits }, found }) => limits && found[0]?.mend.includes('resources that fit'),
    )!.row;
    const one = podOf(row);
    one.metadata!.annotations!['kubectl-mcp.dev/container'] = 'server';
    const many = Array.from({ length: 1_000 }, (_, index) => ({ name: `c${index}`, image: 'c' }));
    const [first] = foresee(
      { ...one, spec: { ...row.pod, containers: [...row.pod.containers, ...many] } },
      rulesOf(row),
      SETTINGS,
    );
    assert.equal(first!.mend, 'change limitrange/limits-0');
  });

  test('Pod Security has nothing against the proxy, whatever pod it is in', () => {
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    for (const file of injectable) {
      const before = readPod(file);
      const after = injected(before);
      const ours = [SIDECAR_CONTAINER, ...Object.values(VOLUME)];
      const faults = podSecurityViolation(after, labels)?.faults ?? [];
      const old = podSecurityViolation(before, labels)?.faults ?? [];
      const isOurs = (text: string) =>
        ours.some((name) => new RegExp(`(container|volume) ${name}\\b`).test(text));
      assert.deepEqual(faults.filter(isOurs), [], file);
      assert.deepEqual(faults.toSorted(), old.filter((text) => !isOurs(text)).toSorted(), file);
    }
  });

  test('an unreadable level is the strictest', () => {
    const labels = { 'pod-security.kubernetes.io/enforce': 'strict' };
    const [found] = foresee(podOf({ title: '', pod: pod() }), { name: 'web', labels }, SETTINGS);
    assert.match(found!.message, /level restricted:latest/);
  });

  test('the pod is not changed', () => {
    for (const { row } of foreseen) {
      const [before, rules] = [podOf(row), rulesOf(row)];
      const copy = structuredClone({ before, rules });
      foresee(before, rules, SETTINGS, 3);
      assert.deepEqual({ before, rules }, copy);
    }
  });
});
