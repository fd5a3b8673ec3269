/** Figures beside what they have to be, as a Markdown table. */

export interface Figure {
  readonly what: string;
  readonly is: string;
  /** What it has to be, in words, and whether it is. */
  readonly wanted?: string;
  readonly ok?: boolean;
}

export function tableOf(figures: readonly Figure[]): string {
  const rows = figures.map(
    ({ what, is, wanted = '', ok }) =>
      `| ${what} | ${is} | ${ok === false ? `${wanted} **MISSED**` : wanted} |`,
  );
  return ['| | | wanted |', '| --- | --- | --- |', ...rows].join('\n');
}

export const ms = (seconds: number): string =>
  Number.isNaN(seconds) ? 'none' : `${(seconds * 1000).toFixed(1)} ms`;
