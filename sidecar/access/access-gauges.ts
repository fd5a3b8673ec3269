import type { Gauge } from '../metrics.ts';
import type { Reviews } from './reviews.ts';

/** What is told of the questions to whoever watches. */
export type AccessStatus = Pick<Reviews, 'problem' | 'counts'>;

/** None where the API server is not asked. */
export function accessGauges(
  servers: readonly { readonly name: string; readonly access?: AccessStatus }[],
): Gauge[] {
  const asking = servers.flatMap(({ name, access }) => (access ? [{ server: name, access }] : []));
  if (asking.length === 0) return [];
  return [
    {
      name: 'kubectl_mcp_access_ready',
      help: 'Whether the API server says who may call what; callers are refused when not.',
      values: asking.map(({ server, access }) => ({
        labels: { server },
        value: Number(access.problem() === undefined),
      })),
    },
    {
      name: 'kubectl_mcp_access_reviews_total',
      help: 'Questions to the API server about who may call what, by its answer.',
      type: 'counter',
      values: asking.flatMap(({ server, access }) =>
        Object.entries(access.counts()).map(([answer, value]) => ({ labels: { server, answer }, value })),
      ),
    },
  ];
}
