/** Writes as many lines as the first argument says, a thousand in each turn of the event loop; then one JSON line on stderr. */
import { setImmediate } from 'node:timers/promises';
import { createLineWriter } from '../../../sidecar/audit/line-writer.ts';

const count = Number(process.argv[2]);
const lines = createLineWriter(1);
let turns = 0;
for (let written = 0; written < count; turns++) {
  for (let each = 0; each < 1_000; each++) lines.write(`${written++} ${'x'.repeat(500)}\n`);
  await setImmediate();
}
await lines.flush();
process.stderr.write(`${JSON.stringify({ dropped: lines.dropped(), turns })}\n`, () => process.exit(0));
