import { performance } from 'node:perf_hooks';
import type { Pass } from '../passes.ts';
import type { LineWriter } from './line-writer.ts';
import { watchOutcome } from './outcome.ts';
import { auditRecord, type PodFacts } from './record.ts';

export interface AuditFacts {
  /** Names the checks that are switched off. */
  readonly unchecked?: string | undefined;
  /** Which one the server speaks, once that is known. */
  readonly transport?: () => string | undefined;
}

/** `audit: stdout`: a line for each exchange, refused ones too. */
export function createAudit(
  pod: PodFacts,
  lines: LineWriter,
  { unchecked, transport }: AuditFacts = {},
): Pass {
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
          transport: transport?.(),
        }),
      ),
  };
}
