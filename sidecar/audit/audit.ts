import { performance } from 'node:perf_hooks';
import type { Pass } from '../passes.ts';
import type { LineWriter } from './line-writer.ts';
import { watchOutcome } from './outcome.ts';
import { auditRecord, type PodFacts } from './record.ts';

/**
 * `audit: stdout`: a line for each exchange, refused ones too.
 * @param unchecked names the checks that are switched off
 */
export function createAudit(pod: PodFacts, lines: LineWriter, unchecked?: string): Pass {
  return {
    name: 'audit',
    needs: ['outcome'],
    outcome: watchOutcome,
    ended: (exchange) =>
      lines.write(
        auditRecord(exchange, pod, {
          date: new Date(),
          durationMs: performance.now() - exchange.startedAtMs,
          unchecked,
        }),
      ),
  };
}
