/** What is measured of servers of stdio, and what it should come to. */
import type { Round, Scenario } from '../scenarios.ts';

const CALL = { call: 'echo', sessions: true } as const;

export const SCENARIOS: readonly Scenario[] = [
  { key: 'one', title: '1 session, 1 call at a time', connections: 1, ...CALL },
  { key: 'parallel', title: '1 session, 16 calls at a time', connections: 16, shared: true, ...CALL },
  { key: 'sessions', title: '16 sessions, 1 call at a time each', connections: 16, ...CALL },
];

/** Of 16 sessions. */
export const BUDGET = {
  callsPerSecond: { must: 12_000, goal: 20_000 },
  cpuUs: { must: 80, goal: 40 },
} as const;

export interface StdioResult {
  /** By scenario key; text says why it came to none. */
  readonly rounds: Record<string, Round[] | string>;
  burst: string;
}
export type StdioResults = Record<string, StdioResult>;
