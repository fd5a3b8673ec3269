/** `dial HOST PORT [--timeout-ms N]`: whether a TCP port answers, as one JSON line; exit code 0 when it does, 1 when not. */
import { connect } from 'node:net';
import { parseArgs } from 'node:util';

const DEFAULT_TIMEOUT_MS = 3_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'timeout-ms': { type: 'string' } },
});
const [host = '', portText = ''] = positionals;
const port = Number(portText);
const timeoutMs = Number(values['timeout-ms'] ?? DEFAULT_TIMEOUT_MS);
if (host === '' || !Number.isInteger(port) || port < 1 || port > 65535 || !(timeoutMs > 0)) {
  process.stderr.write('usage: dial HOST PORT [--timeout-ms N]\n');
  process.exit(2);
}
const socket = connect({ host, port, timeout: timeoutMs });
const tell = (open: boolean, error?: string): void => {
  process.stdout.write(`${JSON.stringify({ host, port, open, ...(error ? { error } : {}) })}\n`);
  socket.destroy();
  process.exitCode = open ? 0 : 1;
};
socket.once('connect', () => tell(true));
socket.once('timeout', () => tell(false, `no answer within ${timeoutMs} ms`));
socket.once('error', (error: NodeJS.ErrnoException) => tell(false, error.code ?? error.message));
