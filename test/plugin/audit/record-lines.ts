/** Audit lines as the sidecar writes them. */
import type { Exchange } from '../../../sidecar/exchange.ts';
import { auditRecord } from '../../../sidecar/audit/record.ts';

export interface LineOptions {
  readonly atMs?: number;
  readonly pod?: string;
  readonly tool?: string;
  readonly method?: string;
  readonly user?: string;
  readonly actors?: readonly string[];
  readonly outcome?: string;
  readonly called?: string;
  readonly component?: string;
}

export const START_MS = Date.parse('2026-11-20T11:00:00Z');
let made = 0;

/** With the line feed. */
export function auditLine({
  atMs = 0,
  pod = 'weather-1',
  tool = 'echo',
  method = 'tools/call',
  user = 'token:ci',
  actors = [],
  outcome = 'success',
  called,
  component = 'weather',
}: LineOptions = {}): string {
  const exchange = {
    id: `id-${made++}`,
    head: { method: 'POST', path: '/mcp', remoteAddress: '10.0.0.9', headers: {} },
    message: {
      kind: 'request',
      method,
      id: '1',
      target: tool,
      document: { meta: new Map(), params: new Map() },
    },
    principal: { kind: 'token', name: user, digest: 'd', groups: [], actors, issuer: 'secret/callers' },
    server: { name: component, upstream: { transport: 'streamable-http' } },
    outcome,
    status: outcome === 'denied' ? 403 : 200,
    rule: 'default',
    called,
  } as unknown as Exchange;
  const facts = { name: pod, namespace: 'default', uid: `uid-${pod}`, node: 'node-1' };
  return auditRecord(exchange, facts, { date: new Date(START_MS + atMs), durationMs: 9.343 });
}
