import type { Exit } from './launcher.ts';
import { maskSecrets } from './mask-secrets.ts';

const LINES = 5;

/** How a process ended, for callers: the last it said goes with it, without what looks like a secret. */
export function exitWords({ code, signal, stderr }: Exit): string {
  const how =
    signal === undefined ? (code === undefined ? '' : ` with exit code ${code}`) : ` by signal ${signal}`;
  const said = stderr.slice(-LINES).map(maskSecrets).filter(Boolean);
  return `the server's process ended${how}${said.length > 0 ? `: ${said.join(' | ')}` : ''}`;
}
