/** Records → what is written, in pieces. */
import { AUDIT_COLUMNS, cellsOf, harmlessJson } from './columns.ts';
import type { Entry } from './read-line.ts';

export const FORMATS = ['table', 'wide', 'json', 'jsonl', 'csv'] as const;
export type Format = (typeof FORMATS)[number];

export interface Printer {
  readonly print: (entries: readonly Entry[]) => string;
  readonly end: () => string;
}

interface PrinterOptions {
  readonly noHeaders: boolean;
  /** Rows are shown at once: columns are as wide as most need. */
  readonly live: boolean;
}

export function createPrinter(format: Format, options: PrinterOptions): Printer {
  if (format === 'jsonl')
    return {
      print: (entries) => entries.map(({ json }) => `${harmlessJson(json)}\n`).join(''),
      end: () => '',
    };
  if (format === 'json') return jsonPrinter();
  return format === 'csv' ? csvPrinter(options) : tablePrinter(format === 'wide', options);
}

/** One document, however long: `{"items": [...]}`. */
function jsonPrinter(): Printer {
  let separator = '{\n    "items": [';
  return {
    print: (entries) =>
      entries
        .map(({ record }) => {
          const text = harmlessJson(JSON.stringify(record, null, 4)).replaceAll('\n', '\n        ');
          const before = separator;
          separator = ',';
          return `${before}\n        ${text}`;
        })
        .join(''),
    end: () => (separator === ',' ? '\n    ]\n}\n' : '{\n    "items": []\n}\n'),
  };
}

function csvPrinter({ noHeaders }: PrinterOptions): Printer {
  let header = noHeaders ? '' : `${AUDIT_COLUMNS.map((each) => each.header).join(',')}\n`;
  return {
    print(entries) {
      const rows = entries
        .map((each) => `${cellsOf(AUDIT_COLUMNS, each).map(csvField).join(',')}\n`)
        .join('');
      const text = header + rows;
      header = '';
      return text;
    },
    end: () => header,
  };
}

/** Spreadsheets take these for the beginning of a formula (OWASP, CSV injection). */
const FORMULA = /^[=+\-@\t\r＝＋－＠]/;

/** RFC 4180. */
export function csvField(text: string): string {
  const field = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]|^\s|\s$/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

const PADDING = 3;
const FIRST_ROWS = 500;
const LIVE_WIDTHS: Readonly<Record<string, number>> = {
  TIME: 24,
  POD: 30,
  PRINCIPAL: 36,
  METHOD: 14,
  TARGET: 20,
  OUTCOME: 17,
  RULE: 18,
};

/** Columns are as wide as the first rows need, and grow. */
function tablePrinter(wide: boolean, { noHeaders, live }: PrinterOptions): Printer {
  const columns = AUDIT_COLUMNS.filter((each) => wide || !each.wide);
  const headers = columns.map(({ header }) => header);
  const widths = columns.map(({ header }) => (live ? (LIVE_WIDTHS[header] ?? 0) : 0));
  let waiting: string[][] | undefined = [];
  const widen = (rows: readonly string[][]): void => {
    for (const row of rows)
      for (const [index, cell] of row.entries())
        if (widthOf(cell) > widths[index]!) widths[index] = widthOf(cell);
  };
  const format = (rows: readonly string[][]): string => {
    widen(rows);
    return rows
      .map(
        (row) =>
          `${row
            .map((cell, index) => cell + ' '.repeat(widths[index]! - widthOf(cell) + PADDING))
            .join('')
            .trimEnd()}\n`,
      )
      .join('');
  };
  const first = (): string => {
    const rows = waiting ?? [];
    waiting = undefined;
    return rows.length === 0 ? '' : format(noHeaders ? rows : [headers, ...rows]);
  };
  return {
    print(entries) {
      const rows = entries.map((each) => cellsOf(columns, each).map((cell) => cell || '-'));
      if (!waiting) return format(rows);
      waiting.push(...rows);
      return live || waiting.length >= FIRST_ROWS ? first() : '';
    },
    end: first,
  };
}

// Go's tabwriter counts runes.
const widthOf = (cell: string): number => (/^[ -~]*$/.test(cell) ? cell.length : [...cell].length);
