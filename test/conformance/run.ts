/** `npm run conformance`: exit 1 where a check says another thing through the sidecar than it says direct. */
import { parseArgs } from 'node:util';
import { compare, failures, LOST_IN_TRANSLATION, passed, throughSidecar } from './compare.ts';
import type { Comparison } from './compare.ts';
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
const translated = await throughSidecar('legacy', '2026-07-28');
const lost = failures(translated);
console.log(
  `\n2026-07-28, a server of the era of sessions behind the sidecar: ${passed(translated)} of ${translated.size}`,
);
for (const key of lost) console.log(`  ${key}: ${translated.get(key)?.error ?? ''}`);
const unexpected = lost.filter((key) => !LOST_IN_TRANSLATION.some((known) => known.test(key)));
process.exitCode = unexpected.length || comparisons.some(({ differences }) => differences.length) ? 1 : 0;
