/** `npm run conformance`: exit 1 where a check says another thing through the sidecar than it says direct. */
import { parseArgs } from 'node:util';
import { compare, differencesOf, failures, LOST_IN_TRANSLATION, passed, throughSidecar } from './compare.ts';
import type { Comparison } from './compare.ts';
import { startProxy } from './proxy.ts';
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
/** The suite of one era, of servers that know the other alone. */
const TRANSLATED = [
  { eras: 'legacy', specVersion: '2026-07-28', lost: LOST_IN_TRANSLATION },
  { eras: 'modern', specVersion: '2025-11-25', lost: [] },
] as const;
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
for (const { eras, specVersion, lost } of TRANSLATED) {
  const checks = await throughSidecar(eras, specVersion);
  console.log(
    `\n${specVersion}, a server of the other era behind the sidecar: ${passed(checks)} of ${checks.size}`,
  );
  for (const key of failures(checks)) {
    const known = lost.some((each) => each.test(key));
    if (!known) unexpected++;
    console.log(`  ${known ? 'lost in translation' : 'FAILED'}: ${key}: ${checks.get(key)?.error ?? ''}`);
  }
}
process.exitCode = unexpected || comparisons.some(({ differences }) => differences.length) ? 1 : 0;
