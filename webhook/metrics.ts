/** What the webhook counts and shows, in Prometheus' text format. */
import { createDurations } from './durations.ts';
import { REASONS } from './reasons.ts';
import type { Reason } from './reasons.ts';

const OUTCOMES = ['injected', 'refused', 'untouched', 'failed'] as const;
export type Outcome = (typeof OUTCOMES)[number];
const EVENT_RESULTS = ['written', 'failed', 'dropped'] as const;
export type EventResult = (typeof EVENT_RESULTS)[number];
const VALIDATIONS = ['allowed', 'warned', 'refused', 'failed'] as const;
export type Validation = (typeof VALIDATIONS)[number];
type Expiries = { serving: Date | undefined; ca: Date | undefined };
export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics() {
  const reviews: Record<Outcome, number> = { injected: 0, refused: 0, untouched: 0, failed: 0 };
  const reasons = Object.fromEntries(Object.keys(REASONS).map((each) => [each, 0])) as Record<Reason, number>;
  const durations = createDurations();
  const validations: Record<Validation, number> = { allowed: 0, warned: 0, refused: 0, failed: 0 };
  let expiries: Expiries = { serving: undefined, ca: undefined };
  let isTrusted = false;
  let trustWritten = 0;
  const events: Record<EventResult, number> = { written: 0, failed: 0, dropped: 0 };
  return {
    count: (outcome: Outcome, why: readonly Reason[] = []) => {
      reviews[outcome]++;
      for (const each of why) reasons[each]++;
    },
    observe: durations.observe,
    countEvent: (result: EventResult) => void events[result]++,
    countValidation: (outcome: Validation, why: readonly Reason[] = []) => {
      validations[outcome]++;
      for (const each of why) reasons[each]++;
    },
    countTrustWritten: () => void trustWritten++,
    certificates: (found: Expiries) => void (expiries = found),
    trusted: (held: boolean) => void (isTrusted = held),
    text: (): string =>
      [
        ...head('reviews_total', 'counter', 'Reviews of pods by outcome.'),
        ...OUTCOMES.map((each) => line('reviews_total', reviews[each], 'outcome', each)),
        ...head(
          'review_duration_seconds',
          'histogram',
          'From the head of a review to the end of its answer.',
        ),
        ...durations.lines('kubectl_mcp_webhook_review_duration_seconds'),
        ...head('validations_total', 'counter', 'Reviews of workloads and policies by outcome.'),
        ...VALIDATIONS.map((each) => line('validations_total', validations[each], 'outcome', each)),
        ...head('reasons_total', 'counter', 'Reviews by reason; what is refused may have several.'),
        ...Object.entries(reasons).map(([each, value]) => line('reasons_total', value, 'reason', each)),
        ...head(
          'certificate_expiration_timestamp_seconds',
          'gauge',
          'When the certificate that is served ends, and the CA of its Secret.',
        ),
        ...Object.entries(expiries).flatMap(([name, at]: [string, Date | undefined]) =>
          at
            ? [line('certificate_expiration_timestamp_seconds', at.getTime() / 1000, 'certificate', name)]
            : [],
        ),
        ...head('trusted', 'gauge', '1 when the webhook configuration holds the CA of what is served.'),
        line('trusted', Number(isTrusted)),
        ...head('ca_bundle_writes_total', 'counter', 'How often the caBundle was another and was written.'),
        line('ca_bundle_writes_total', trustWritten),
        ...head('events_total', 'counter', 'Writes of Events; one may stand for many refusals of one owner.'),
        ...EVENT_RESULTS.map((each) => line('events_total', events[each], 'result', each)),
        '',
      ].join('\n'),
  };
}

const head = (name: string, type: string, help: string): string[] => [
  `# HELP kubectl_mcp_webhook_${name} ${help}`,
  `# TYPE kubectl_mcp_webhook_${name} ${type}`,
];

const line = (name: string, value: number, label?: string, of?: string): string =>
  `kubectl_mcp_webhook_${name}${label ? `{${label}="${of}"}` : ''} ${value}`;
