/** Counters of the webhook in Prometheus' text format. */

const OUTCOMES = ['injected', 'refused', 'untouched', 'failed'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export function createCounters() {
  const counts: Record<Outcome, number> = { injected: 0, refused: 0, untouched: 0, failed: 0 };
  return {
    count: (outcome: Outcome) => void counts[outcome]++,
    text: (): string =>
      [
        '# HELP kubectl_mcp_webhook_reviews_total Reviews of pods by outcome.',
        '# TYPE kubectl_mcp_webhook_reviews_total counter',
        ...OUTCOMES.map((each) => `kubectl_mcp_webhook_reviews_total{outcome="${each}"} ${counts[each]}`),
        '',
      ].join('\n'),
  };
}
