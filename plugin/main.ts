/** argv → program → exit code; the one place of the plugin that touches the process. */
import { EXIT } from './errors.ts';
import { connect } from './kube/client.ts';
import { runProgram } from './program.ts';

const interrupt = new AbortController();
let takesItsTime = false;
process.once('SIGINT', () => {
  interrupt.abort();
  // A command that cleans up has this long; a second Ctrl-C does not wait.
  if (!takesItsTime) setTimeout(() => process.exit(EXIT.interrupted), 3_000).unref();
  process.once('SIGINT', () => process.exit(EXIT.interrupted));
});
// `kubectl mcp list | head -1`
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
});

process.exitCode = await runProgram(process.argv.slice(2), {
  streams: { in: process.stdin, out: process.stdout, err: process.stderr },
  env: process.env,
  connect,
  nowMs: Date.now,
  signal: interrupt.signal,
  atExit: (clean) => void process.once('exit', clean),
  onUncaught(caught) {
    process.on('uncaughtException', caught);
    process.on('unhandledRejection', caught);
  },
  stopped() {
    takesItsTime = true;
    return new Promise((resolve) => {
      if (interrupt.signal.aborted) resolve();
      interrupt.signal.addEventListener('abort', () => resolve());
      process.once('SIGTERM', () => resolve());
    });
  },
});
