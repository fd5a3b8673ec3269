/** kubectl's tables: UPPERCASE headers, three spaces between columns, no borders. */

export interface Column<Row> {
  readonly header: string;
  readonly value: (row: Row) => string;
  /** Shown with `-o wide` only. */
  readonly wide?: true;
}

export interface TableOptions {
  readonly wide?: boolean;
  readonly noHeaders?: boolean;
}

const MIN_WIDTH = 6;
const PADDING = 3;

/** Every line ends with a line feed; nothing at all for no rows. */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { wide = false, noHeaders = false }: TableOptions = {},
): string {
  if (rows.length === 0) return '';
  const shown = columns.filter((column) => wide || !column.wide);
  const cells = rows.map((row) => shown.map((column) => oneLine(column.value(row))));
  const lines = noHeaders ? cells : [shown.map(({ header }) => header), ...cells];
  const widths = shown.map((_, index) =>
    Math.max(MIN_WIDTH, ...lines.map((line) => displayWidth(line[index]!) + PADDING)),
  );
  return lines
    .map((line) =>
      line.map((cell, index) => (index === line.length - 1 ? cell : pad(cell, widths[index]!))).join(''),
    )
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

const pad = (cell: string, width: number): string => cell + ' '.repeat(width - displayWidth(cell));

// Go's tabwriter counts runes.
const displayWidth = (cell: string): number => [...cell].length;

// Text from servers: a control character could forge rows or drive the terminal.
// oxlint-disable-next-line no-control-regex
const oneLine = (cell: string): string => cell.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
