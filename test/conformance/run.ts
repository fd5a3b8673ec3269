/** `npm run conformance`: exit 1 where a check says another thing through the sidecar than it says direct. */
import { parseArgs } from 'node:util';
import {
  compare,
  compareTasks,
  differencesOf,
  failures,
  passed,
  throughSidecar,
  TRANSLATED,
} from './compare.ts';
import type { Comparison } from './compare.ts';
import { startProxy } from './proxy.ts';
import { startSidecar } from './sidecar.ts';
import { throughStdio } from './stdio.ts';
import { SPEC_VERSIONS } from './suite.ts';

const { values: options } = parseArgs({ options: { verbose: { type: 'boolean', default: false } } });

const comparisons: Comparison[] = [];
for (const specVersion of SPEC_VERSIONS) comparisons.push(await compare(specVersion));

console.log(
  '| spec version | checks | pass direct | pass through the sidecar | differ |\n| --- | --- | --- | --- | --- |',
);
for (const { specVersion, direct, sidecar, differences } of comparisons) {
  console.log(
    `| ${[specVersion, direct.size, passed(direct), passed(sidecar), differences.length].join(' | ')} |`,
  );
}
for (const { specVersion, direct, differences } of comparisons) {
  for (const { key, direct: alone, sidecar } of differences) {
    console.log(
      `\n${specVersion} ${key}\n  direct:  ${alone.status}\n  sidecar: ${sidecar.status} ${sidecar.error ?? ''}`,
    );
  }
  if (!options.verbose) continue;
  for (const [key, { status, error }] of direct)
    console.log(`${specVersion} ${key}: ${status} ${error ?? ''}`);
}
let unexpected = 0;
for (const { specVersion, direct } of comparisons) {
  const checks = await throughSidecar('both', specVersion, startProxy);
  const differences = differencesOf(direct, checks);
  unexpected += differences.length;
  console.log(
    `\n${specVersion}, through kubectl mcp proxy with filter and audit: ${passed(checks)} of ${direct.size}`,
  );
  for (const { key, sidecar } of differences)
    console.log(`  FAILED: ${key}: ${sidecar.error ?? sidecar.status}`);
}
const KINDS = {
  both: 'both eras',
  legacy: 'SDK 2, sessions alone',
  modern: 'SDK 2, 2026-07-28 alone',
  v1: 'SDK 1',
} as const;
const translated: string[] = [];
for (const { eras, specVersion, lost } of TRANSLATED) {
  const checks = await throughSidecar(eras, specVersion);
  const outside = [...checks.keys()].filter((key) => !key.startsWith('input-required-'));
  const failed = failures(checks);
  const failedOutside = outside.filter((key) => failed.includes(key));
  translated.push(
    [KINDS[eras], specVersion, checks.size, passed(checks)].join(' | ') +
      ` | ${outside.length - failedOutside.length} of ${outside.length}`,
  );
  for (const key of failed) {
    const known = lost.some((each) => each.test(key));
    if (!known) unexpected++;
    console.log(
      `${eras}, ${specVersion}: ${known ? 'lost in translation' : 'FAILED'}: ${key}: ${checks.get(key)?.error ?? ''}`,
    );
  }
}
for (const start of [startSidecar, startProxy]) {
  const { direct, sidecar, differences } = await compareTasks(start);
  unexpected += differences.length;
  console.log(
    `\nthe tasks extension${start === startProxy ? ', through kubectl mcp proxy with filter and audit' : ''}: ${passed(sidecar)} of ${direct.size}, direct ${passed(direct)}`,
  );
  for (const { key, sidecar: through } of differences)
    console.log(`  FAILED: ${key}: ${through.error ?? through.status}`);
}
console.log(
  '\n| server behind the sidecar | spec version | checks | pass | outside input-required |\n| --- | --- | --- | --- | --- |',
);
for (const row of translated) console.log(`| ${row} |`);
// A process for each session: each of the suite's scenarios starts one.
for (const [eras, specVersion] of [
  ['legacy', '2025-11-25'],
  ['both', '2025-11-25'],
  ['modern', '2026-07-28'],
] as const) {
  const checks = await throughStdio(eras, specVersion, ['--stdio-modern', 'shared']);
  unexpected += failures(checks).length;
  console.log(`\n${specVersion}, ${eras}, over stdio: ${passed(checks)} of ${checks.size}`);
  for (const key of failures(checks)) console.log(`  FAILED: ${key}: ${checks.get(key)?.error ?? ''}`);
}
process.exitCode = unexpected || comparisons.some(({ differences }) => differences.length) ? 1 : 0;
