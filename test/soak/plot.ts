/** A picture of what a run held, as SVG that reads on light and on dark pages. */
import type { Sample } from './sample.ts';

export interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly lines: readonly { readonly name: string; readonly value: (sample: Sample) => number }[];
}

const WIDTH = 860;
const PANEL_HEIGHT = 170;
const LEFT = 56;
const RIGHT = 12;
const TOP = 34;
const GAP = 52;
const COLOURS = ['#2f81f7', '#d97706', '#16a34a'];
const STYLE =
  'text{font:12px system-ui,sans-serif;fill:#57606a}.t{font-weight:600}.a{stroke:#8b949e;stroke-width:1}' +
  '.g{stroke:#8b949e;stroke-opacity:.3}.p{stroke:#8b949e;stroke-dasharray:3 3;stroke-opacity:.7}' +
  'path,polyline{fill:none}polyline{stroke-width:1.6}@media(prefers-color-scheme:dark){text{fill:#adbac7}}';

/** Panels under one another, with one axis of time in seconds; where the phase changes, a line. */
export function plot(samples: readonly Sample[], panels: readonly Panel[]): string {
  const endS = samples.at(-1)?.atS ?? 1;
  const x = (atS: number): number => round(LEFT + (atS / endS) * (WIDTH - LEFT - RIGHT));
  const height = TOP + panels.length * (PANEL_HEIGHT + GAP);
  const drawn = panels.map((panel, index) =>
    drawPanel(samples, panel, TOP + index * (PANEL_HEIGHT + GAP), x),
  );
  const title = panels.map((panel) => panel.title).join(', ');
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title} over time">` +
    `<style>${STYLE}</style>\n${drawn.join('\n')}\n</svg>\n`
  );
}

function drawPanel(
  samples: readonly Sample[],
  panel: Panel,
  top: number,
  x: (atS: number) => number,
): string {
  const bottom = top + PANEL_HEIGHT;
  const most = Math.max(1, ...panel.lines.flatMap(({ value }) => samples.map(value)));
  const step = niceStep(most / 4);
  const scale = Math.ceil(most / step) * step;
  const y = (value: number): number => round(bottom - (value / scale) * PANEL_HEIGHT);
  const parts = [`<text class="t" x="${LEFT}" y="${top - 18}">${panel.title}, ${panel.unit}</text>`];
  for (let value = 0; value <= scale; value += step) {
    parts.push(
      `<path class="g" d="M${LEFT} ${y(value)}H${WIDTH - RIGHT}"/>`,
      `<text x="${LEFT - 6}" y="${y(value) + 4}" text-anchor="end">${value.toLocaleString('en')}</text>`,
    );
  }
  const endS = samples.at(-1)?.atS ?? 1;
  const stepS = niceStep(endS / 8);
  for (let atS = 0; atS <= endS; atS += stepS)
    parts.push(`<text x="${x(atS)}" y="${bottom + 16}" text-anchor="middle">${atS} s</text>`);
  samples.forEach((sample, index) => {
    if (index > 0 && sample.phase === samples[index - 1]?.phase) return;
    parts.push(
      `<path class="p" d="M${x(sample.atS)} ${top - 12}V${bottom}"/>`,
      `<text x="${x(sample.atS) + 3}" y="${top - 4}">${sample.phase === 'quiet' ? '' : sample.phase}</text>`,
    );
  });
  parts.push(`<path class="a" d="M${LEFT} ${top}V${bottom}H${WIDTH - RIGHT}"/>`);
  panel.lines.forEach(({ name, value }, index) => {
    const colour = COLOURS[index % COLOURS.length]!;
    const points = samples.map((sample) => `${x(sample.atS)},${y(value(sample))}`).join(' ');
    const legendX = WIDTH - RIGHT - (panel.lines.length - index) * 130;
    parts.push(
      `<polyline stroke="${colour}" points="${points}"/>`,
      `<path stroke="${colour}" stroke-width="3" d="M${legendX} ${top - 22}h16"/>`,
      `<text x="${legendX + 20}" y="${top - 18}">${name}</text>`,
    );
  });
  return parts.join('\n');
}

/** 1, 2 or 5 times a power of ten. */
export function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5].find((each) => each * power >= rough) ?? 10) * power;
}

const round = (value: number): number => Math.round(value * 10) / 10;
