/** What is measured, and what it may cost: data that the run and the report share. */

export interface Scenario {
  key: string;
  title: string;
  /** `modern`: as a client of 2026-07-28, which the backend is not. */
  call: 'echo' | 'list' | 'blob' | 'modern';
  connections: number;
  /** Legacy servers with sessions are the usual case; without one the sidecar has no session id to unseal. */
  sessions: boolean;
  /** All connections are in one session. */
  shared?: true;
}

export const SCENARIOS: Scenario[] = [
  { key: 'small', title: 'tools/call of 0.3 KB', call: 'echo', connections: 32, sessions: true },
  { key: 'stateless', title: 'the same without a session', call: 'echo', connections: 32, sessions: false },
  { key: 'list', title: 'tools/list of 15 KB, filtered', call: 'list', connections: 32, sessions: true },
  { key: 'blob', title: 'result of 64 KiB', call: 'blob', connections: 32, sessions: true },
  {
    key: 'translated',
    title: 'tools/call of 2026-07-28, translated',
    call: 'modern',
    connections: 32,
    sessions: false,
  },
  { key: 'single', title: 'tools/call, one connection', call: 'echo', connections: 1, sessions: true },
];

/** One round of one scenario through one target. */
export interface Round {
  cpuUs: number;
  calls: number;
  failed: number;
  callsPerSecond: number;
  p50Us: number;
  p99Us: number;
  answerBytes: number;
}

export interface TargetResult {
  /** By scenario key; the same index is the same moment for every target. */
  rounds: Record<string, Round[]>;
  coldMs: number[];
  idleMb: number;
  peakMb: number;
}

export type Results = Record<string, TargetResult>;

export interface Budget {
  title: string;
  unit: string;
  must: number;
  goal: number;
  value: (results: Results) => number;
}

/** The musts and goals of a complete sidecar on one core; more is a finding, never a failed run. */
export const BUDGETS: Budget[] = [
  { title: 'small call, CPU', unit: '× nginx', must: 2.9, goal: 2.1, value: cpuRatio('small') },
  {
    title: 'small call without a session, CPU',
    unit: '× nginx',
    must: 2.9,
    goal: 2.1,
    value: cpuRatio('stateless'),
  },
  { title: 'tools/list 15 KB, CPU', unit: '× nginx', must: 3.3, goal: 2.6, value: cpuRatio('list') },
  { title: '64 KiB result, CPU', unit: '× nginx', must: 3, goal: 2.4, value: cpuRatio('blob') },
  { title: 'one connection, p50 over nginx', unit: 'µs', must: 60, goal: 15, value: p50Over('single') },
  { title: '32 connections, p99', unit: 'ms', must: 10, goal: 6.6, value: p99Ms('small') },
  { title: 'resident, idle', unit: 'MB', must: 62, goal: 40, value: (all) => all.sidecar!.idleMb },
  {
    title: 'resident, idle, auth kubernetes',
    unit: 'MB',
    must: 62,
    goal: 40,
    value: (all) => all['sidecar, kubernetes']!.idleMb,
  },
  { title: 'resident, peak', unit: 'MB', must: 130, goal: 90, value: (all) => all.sidecar!.peakMb },
  {
    title: 'cold start to first answer',
    unit: 'ms',
    must: 100,
    goal: 50,
    value: (all) => median(all.sidecar!.coldMs),
  },
];

export const cpuPerCall = (round: Round): number => round.cpuUs / round.calls;

export function median(values: number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length / 2;
  return sorted.length % 2 ? sorted[middle - 0.5]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

// The median of each moment's own ratio, not the ratio of medians: neighbours' noise hits both sides of a pair.
function cpuRatio(key: string) {
  return (all: Results): number => paired(all, key, (ours, nginx) => cpuPerCall(ours) / cpuPerCall(nginx));
}

function p50Over(key: string) {
  return (all: Results): number => paired(all, key, (ours, nginx) => ours.p50Us - nginx.p50Us);
}

function p99Ms(key: string) {
  return (all: Results): number => median(all.sidecar!.rounds[key]!.map((each) => each.p99Us)) / 1000;
}

function paired(all: Results, key: string, compare: (ours: Round, nginx: Round) => number): number {
  const nginx = all.nginx!.rounds[key]!;
  return median(all.sidecar!.rounds[key]!.map((ours, index) => compare(ours, nginx[index]!)));
}
