import type { Input } from './input.ts';

const INTRODUCTION = `# The corpus

What is sent through the sidecar to six servers of the TypeScript, Python and Go SDKs, by rule; made by \`test/corpus/corpus.test.ts\`. _refused_: no
server saw it. _understood_: every server of the era acted, all alike, and as the audit line says. _judged_: servers may
refuse it; those that act do so alike and as the audit line says. The last column counts the inputs that servers
understand otherwise than the audit line, or than each other, when the sidecar reads with JSON.parse instead.
`;

const count = (rows: readonly Input[], rule: string, expect?: Input['expect']): string =>
  String(rows.filter((each) => each.rule === rule && (!expect || each.expect === expect)).length || '');

/** Rows by rule: how many inputs of each expectation, and how many get through wrongly without strict reading. */
export function rulesTable(inputs: readonly Input[], wrongWithout: readonly Input[]): string {
  const rules = [...new Set(inputs.map(({ rule }) => rule))];
  const rows = rules.map((rule) =>
    [
      rule.replaceAll('_', '\\_'),
      ...(['refused', 'understood', 'judged'] as const).map((expect) => count(inputs, rule, expect)),
      count(wrongWithout, rule),
    ].join(' | '),
  );
  return [
    INTRODUCTION,
    '| rule | refused | understood | judged | wrong without strict reading |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row} |`),
    `| ${inputs.length} inputs | ${['refused', 'understood', 'judged'].map((expect) => inputs.filter((each) => each.expect === expect).length).join(' | ')} | ${wrongWithout.length} |`,
    '',
  ].join('\n');
}
