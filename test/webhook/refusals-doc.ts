/** docs/refusals.md, from the table of reasons. */
import { REASONS } from '../../webhook/reasons.ts';
import type { Outcome } from '../../webhook/reasons.ts';

const INTRODUCTION = `# What the webhook decides, and why

Each answer about a pod has a reason with a code that stays the same. A refusal ends with its codes in brackets; the
first is the reason of an Event on the pod's owner, the webhook's log line of a review has all of them in \`reasons\`, and
the metric \`kubectl_mcp_webhook_reasons_total\` counts them. A pod is refused with all that is wrong with it at once; each message
names the annotation, its value, the cause and what to do about this pod. \`kubectl mcp doctor\` says it again (MCP404).
Who applies the workload is told before there are pods ([the early word](operations.md#the-early-word)).
`;

const TITLES = {
  refused: 'Refused',
  untouched: 'Left alone',
  injected: 'Injected',
} as const satisfies Record<Outcome, string>;

const rowsOf = (outcome: Outcome): string[] =>
  Object.entries(REASONS)
    .filter(([, row]) => row.outcome === outcome)
    .map(([code, row]) => `| \`${code}\` | ${row.means} | ${'mend' in row ? row.mend : ''} |`);

export const refusalsDoc = (): string =>
  [
    INTRODUCTION,
    ...(Object.keys(TITLES) as Outcome[]).flatMap((outcome) => [
      `## ${TITLES[outcome]}\n`,
      '| Code | What it means | What to do |',
      '|---|---|---|',
      ...rowsOf(outcome),
      '',
    ]),
  ].join('\n');
