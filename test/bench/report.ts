/** Writes the results as markdown. */
import { BUDGETS, SCENARIOS, cpuPerCall, median } from './scenarios.ts';
import type { Results, Round } from './scenarios.ts';

export type Verdict = 'goal met' | 'must met' | 'OVER';

export const verdictOf = (value: number, { must, goal }: { must: number; goal: number }): Verdict =>
  value <= goal ? 'goal met' : value <= must ? 'must met' : 'OVER';

export function report(results: Results): string {
  return [measured(results), start(results), ...(results.sidecar ? [budgets(results)] : [])].join('\n\n');
}

function measured(results: Results): string {
  const rows = SCENARIOS.flatMap(({ key, title, connections }) =>
    Object.entries(results).flatMap(([target, { rounds }]) => {
      const mine = rounds[key];
      if (!mine) return [];
      const nginx = results.nginx!.rounds[key]!;
      const of = (pick: (round: Round) => number): number => median(mine.map(pick));
      const row = [
        title,
        connections,
        target,
        target === 'direct' ? '' : of(cpuPerCall).toFixed(1),
        target === 'direct'
          ? ''
          : median(mine.map((each, i) => cpuPerCall(each) / cpuPerCall(nginx[i]!))).toFixed(2),
        Math.round(of((each) => each.callsPerSecond)),
        Math.round(of((each) => each.p50Us)),
        Math.round(of((each) => each.p99Us)),
        of((each) => each.answerBytes),
      ];
      return [row];
    }),
  );
  const head = [
    'call',
    'conns',
    'through',
    'CPU µs',
    '× nginx',
    'calls/s',
    'p50 µs',
    'p99 µs',
    'answer bytes',
  ];
  return table(head, rows);
}

function start(results: Results): string {
  const rows = Object.entries(results)
    .filter(([target]) => target !== 'direct')
    .map(([target, { coldMs, idleMb, peakMb }]) => [
      target,
      median(coldMs).toFixed(0),
      idleMb.toFixed(0),
      peakMb.toFixed(0),
    ]);
  return table(['through', 'cold start ms', 'MB idle', 'MB peak'], rows);
}

function budgets(results: Results): string {
  const rows = BUDGETS.map((each) => {
    const value = each.value(results);
    return [
      each.title,
      `${value.toFixed(2)} ${each.unit}`,
      `≤ ${each.must}`,
      `≤ ${each.goal}`,
      verdictOf(value, each),
    ];
  });
  return table(['budget', 'measured', 'must', 'goal', 'verdict'], rows);
}

/** In Markdown. */
export function table(head: string[], rows: (string | number)[][]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}
