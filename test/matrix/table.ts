import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cell } from './cell.ts';
import { CLIENTS } from './clients/clients.ts';
import { LOSSES, lossesOf } from './losses.ts';
import { SERVERS } from './servers/servers.ts';

const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'protocol.md');
const BEGIN = '<!-- Made by test/matrix; UPDATE_GOLDEN=1 writes it anew. -->\n';
const END = '<!-- The end of what test/matrix has made. -->';

/** Features of which a cell loses something, by its names. */
export type Lost = (client: string, server: string) => readonly string[];

export const expectedLost: Lost = (client, server) =>
  lossesOf(client, server).flatMap(({ features }) => features);

export const lostIn =
  (cells: readonly Cell[]): Lost =>
  (client, server) =>
    cells
      .filter((each) => each.client === client && each.server === server)
      .flatMap(({ differences }) => differences.map(({ feature }) => feature));

/** Every client and every server, and what is lost between them. */
export function table(lost: Lost): string {
  const verdict = (client: string, server: string): string => {
    const features = lost(client, server);
    if (features.length === 0) return 'works';
    const notes = lossesOf(client, server).map((loss) => `[${LOSSES.indexOf(loss) + 1}]`);
    if (features.includes('connect')) return `cannot ${notes.join('')}`;
    return `partly: ${features.join(', ')} ${notes.join('')}`;
  };
  const rows = SERVERS.map(({ name }) => [name, ...CLIENTS.map((client) => verdict(client.name, name))]);
  const lines = [
    ['Server', ...CLIENTS.map(({ name }) => name)],
    ['the client speaks', ...CLIENTS.map(({ speaks }) => speaks)],
    ...rows,
  ];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const written = lines.map((line) => `| ${line.map((each, at) => each.padEnd(widths[at]!)).join(' | ')} |`);
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  const notes = LOSSES.map(({ why }, at) => `${at + 1}. ${why[0]!.toUpperCase()}${why.slice(1)}.`);
  return `\n${[written[0], rule, ...written.slice(1)].join('\n')}\n\n${notes.join('\n')}\n\n`;
}

/** The section of the page; `UPDATE_GOLDEN=1` writes it first. */
export function documented(made: string): string {
  const text = readFileSync(PAGE, 'utf8');
  const [from, to] = [text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END)];
  if (!text.includes(BEGIN) || to < from) throw new Error(`${PAGE} has no section of test/matrix`);
  if (process.env['UPDATE_GOLDEN'] !== '1') return text.slice(from, to);
  writeFileSync(PAGE, text.slice(0, from) + made + text.slice(to));
  return made;
}
