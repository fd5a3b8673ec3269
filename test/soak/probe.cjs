// Loaded into the sidecar's process before its bundle: tells the soak each second what only the process itself knows.
const { monitorEventLoopDelay } = require('node:perf_hooks');
const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');

const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();

function tell(kind) {
  const { heapTotal, heapUsed, external } = process.memoryUsage();
  if (process.connected) process.send({ kind, heapTotal, heapUsed, external, delayMs: delay.max / 1e6 });
  delay.reset();
}

setInterval(tell, 1000, 'each-second').unref();
process.on('message', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  collect();
  // What the first round finalized, the second one frees.
  setImmediate(() => {
    collect();
    tell('collected');
  });
});
// A soak that was killed leaves nothing behind.
process.on('disconnect', () => process.exit());
// The channel must not keep the process from ending.
process.channel?.unref();
