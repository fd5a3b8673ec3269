/** `npm run conformance`: exit 1 where a check says another thing through the sidecar than it says direct. */
import { parseArgs } from 'node:util';
import { compare, passed } from './compare.ts';
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
process.exitCode = comparisons.some(({ differences }) => differences.length) ? 1 : 0;
