/** Writes the results as markdown. */
import { verdictOf } from '../report.ts';
import { cpuPerCall, median } from '../scenarios.ts';
import type { Round } from '../scenarios.ts';
import { BUDGET, SCENARIOS } from './scenarios.ts';
import type { StdioResults } from './scenarios.ts';
import { OURS } from './targets.ts';

export function report(results: StdioResults): string {
  return [measured(results), bursts(results), budgets(results)].join('\n\n');
}

function measured(results: StdioResults): string {
  const rows = SCENARIOS.flatMap(({ key, title }) =>
    Object.entries(results).map(([target, { rounds }]) => {
      const mine = rounds[key];
      if (mine === undefined || typeof mine === 'string') return [title, target, mine ?? '', '', '', ''];
      const of = (pick: (round: Round) => number): number => median(mine.map(pick));
      return [
        title,
        target,
        Math.round(of((each) => each.callsPerSecond)),
        of(cpuPerCall).toFixed(1),
        Math.round(of((each) => each.p50Us)),
        Math.round(of((each) => each.p99Us)),
      ];
    }),
  );
  return table(
    ['calls of 0.3 KB to a stdio server', 'through', 'calls/s', 'CPU µs', 'p50 µs', 'p99 µs'],
    rows,
  );
}

const bursts = (results: StdioResults): string =>
  table(
    ['50 notifications in a burst, 16 sessions, one token', 'all, in order, at their owner'],
    Object.entries(results).map(([target, { burst }]) => [target, burst]),
  );

function budgets(results: StdioResults): string {
  const rounds = results[OURS]?.rounds['sessions'];
  if (rounds === undefined || typeof rounds === 'string') return `${OURS}: no figures`;
  const { callsPerSecond, cpuUs } = BUDGET;
  const rate = median(rounds.map((each) => each.callsPerSecond));
  const cpu = median(rounds.map(cpuPerCall));
  const more = { must: -callsPerSecond.must, goal: -callsPerSecond.goal };
  return table(
    ['budget, 16 sessions', 'measured', 'must', 'goal', 'verdict'],
    [
      [
        'calls a second',
        Math.round(rate),
        `≥ ${callsPerSecond.must}`,
        `≥ ${callsPerSecond.goal}`,
        verdictOf(-rate, more),
      ],
      ['CPU of a call', `${cpu.toFixed(1)} µs`, `≤ ${cpuUs.must}`, `≤ ${cpuUs.goal}`, verdictOf(cpu, cpuUs)],
    ],
  );
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}
