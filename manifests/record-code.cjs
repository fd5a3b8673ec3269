/**
 * Runs as the sidecar's first file does, and on SIGUSR2 writes the bytecode of what has been compiled until then:
 * `record-code.cjs PROGRAM OUT`. With a third argument, bytecode that was recorded, it writes the same without running
 * anything: V8 then numbers functions in the order of the source, not in that in which they happened to be needed.
 */
'use strict';
const { readFileSync, writeFileSync } = require('node:fs');
const { Script } = require('node:vm');

const [program, out, recorded] = process.argv.slice(2);
const [before, after] = process.env.WRAPPER.split('SOURCE');
const script = new Script(before + readFileSync(program, 'utf8') + after, {
  // Its path in the image; V8 keeps it.
  filename: '/app/proxy.cjs',
  columnOffset: -before.length,
  cachedData: recorded && readFileSync(recorded),
});
const write = () => writeFileSync(out, script.createCachedData());

if (recorded) {
  if (script.cachedDataRejected) throw new Error(`V8 does not take ${recorded}`);
  write();
} else {
  process.once('SIGUSR2', () => {
    write();
    process.exit();
  });
  script.runInThisContext().call(module.exports, module.exports, require, module, program, __dirname);
}
