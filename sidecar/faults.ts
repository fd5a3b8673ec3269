/** What was thrown where nothing should be: told, counted, and kept from ending more than it must. */
import { scopeNow } from './exchange-scope.ts';
import type { Log } from './log.ts';

export interface Faults {
  /** Of what ended an exchange, or a request of the sidecar's own. @param exchangeId where it is known */
  report(error: unknown, exchangeId?: string): void;
  /** What nobody has caught. `safe`: whom it belongs to is known, and the process may go on. */
  uncaught(error: unknown): 'safe' | 'unsafe';
  /** By what they ended. */
  counts(): Readonly<Record<FaultOf, number>>;
}

export type FaultOf = 'exchange' | 'connection' | 'none';

export function createFaults(log: Log): Faults {
  const counts: Record<FaultOf, number> = { exchange: 0, connection: 0, none: 0 };

  function tell(of: FaultOf, error: unknown, exchangeId?: string): void {
    counts[of]++;
    const words = error instanceof Error ? error.stack : String(error);
    log('internal_error', {
      ...(exchangeId === undefined ? {} : { audit_id: exchangeId }),
      of,
      error: words,
    });
  }

  return {
    report: (error, exchangeId = scopeNow()?.exchangeId) => tell('exchange', error, exchangeId),
    uncaught(error) {
      const scope = scopeNow();
      if (scope) {
        tell('exchange', error, scope.exchangeId);
        scope.fail();
        return 'safe';
      }
      const isConnection = isOfConnection(error);
      tell(isConnection ? 'connection' : 'none', error);
      return isConnection ? 'safe' : 'unsafe';
    },
    counts: () => counts,
  };
}

/** Of reading or writing what the other side has closed: it comes from the kernel, with no code of ours half done. */
const isOfConnection = (error: unknown): boolean =>
  error instanceof Error &&
  ['read', 'write', 'shutdown'].includes((error as NodeJS.ErrnoException).syscall ?? '') &&
  ['ECONNRESET', 'EPIPE', 'ENOTCONN', 'ETIMEDOUT'].includes((error as NodeJS.ErrnoException).code ?? '');
