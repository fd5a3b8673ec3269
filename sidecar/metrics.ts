import type { Exchange, Outcome } from './exchange.ts';
import type { Pass } from './passes.ts';

/** Seconds; a proxy's own share is under the first, a slow tool's over the last. */
const BUCKETS_S = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60];
/** Methods of the specification; others share a label, for a client must not be able to make series. */
const METHODS = new Set(
  (
    'initialize server/discover ping tools/list tools/call resources/list resources/read resources/templates/list ' +
    'resources/subscribe resources/unsubscribe prompts/list prompts/get completion/complete logging/setLevel ' +
    'subscriptions/listen notifications/initialized notifications/cancelled notifications/progress ' +
    'notifications/roots/list_changed'
  ).split(' '),
);
/** Of requests without a message. */
const HTTP_METHODS = new Set(['POST', 'GET', 'DELETE']);
const OTHER = 'other';

interface Series {
  readonly server: string;
  readonly method: string;
  readonly outcomes: Partial<Record<Outcome, number>>;
  readonly buckets: number[];
  sumS: number;
  count: number;
}

export interface Metrics {
  readonly pass: Pass;
  /** In the Prometheus text format 0.0.4. */
  render(gauges: Iterable<Gauge>): string;
}

export interface Gauge {
  readonly name: string;
  readonly help: string;
  readonly type?: 'gauge' | 'counter';
  readonly values: readonly { readonly labels?: Readonly<Record<string, string>>; readonly value: number }[];
}

export function createMetrics(now: () => number = () => performance.now()): Metrics {
  const series = new Map<string, Series>();

  function record({ server, message, head, startedAtMs, outcome }: Exchange): void {
    const given = message?.method ?? head.method;
    const method = (message ? METHODS : HTTP_METHODS).has(given) ? given : OTHER;
    const key = `${server.name}\n${method}`;
    let each = series.get(key);
    if (!each)
      series.set(
        key,
        (each = {
          server: server.name,
          method,
          outcomes: {},
          buckets: BUCKETS_S.map(() => 0),
          sumS: 0,
          count: 0,
        }),
      );
    const seconds = (now() - startedAtMs) / 1000;
    each.outcomes[outcome] = (each.outcomes[outcome] ?? 0) + 1;
    each.sumS += seconds;
    each.count++;
    const bucket = BUCKETS_S.findIndex((bound) => seconds <= bound);
    if (bucket >= 0) each.buckets[bucket]!++;
  }

  return {
    pass: { name: 'metrics', needs: [], ended: record },
    render(gauges) {
      const lines: string[] = [
        '# HELP kubectl_mcp_requests_total Requests by outcome.',
        '# TYPE kubectl_mcp_requests_total counter',
      ];
      for (const { server, method, outcomes } of series.values()) {
        for (const [outcome, value] of Object.entries(outcomes))
          lines.push(`kubectl_mcp_requests_total${labels({ server, method, outcome })} ${value}`);
      }
      lines.push(
        '# HELP kubectl_mcp_request_duration_seconds Time from request to the end of the answer.',
        '# TYPE kubectl_mcp_request_duration_seconds histogram',
      );
      for (const { server, method, buckets, sumS, count } of series.values()) {
        let total = 0;
        const line = (le: string, value: number) =>
          `kubectl_mcp_request_duration_seconds_bucket${labels({ server, method, le })} ${value}`;
        buckets.forEach((value, index) => lines.push(line(String(BUCKETS_S[index]), (total += value))));
        lines.push(line('+Inf', count));
        lines.push(`kubectl_mcp_request_duration_seconds_sum${labels({ server, method })} ${sumS}`);
        lines.push(`kubectl_mcp_request_duration_seconds_count${labels({ server, method })} ${count}`);
      }
      for (const { name, help, type = 'gauge', values } of gauges) {
        lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
        for (const each of values) lines.push(`${name}${labels(each.labels ?? {})} ${each.value}`);
      }
      return `${lines.join('\n')}\n`;
    },
  };
}

function labels(of: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(of).map(
    ([name, value]) =>
      `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`,
  );
  return pairs.length > 0 ? `{${pairs.join(',')}}` : '';
}
