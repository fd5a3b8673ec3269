/** The table of `kubectl mcp token list`. Pure. */
import { formatAge } from '../print/age.ts';
import type { Column } from '../print/table.ts';
import type { StoredToken } from './stored.ts';

export const columnsAt = (nowMs: number): readonly Column<StoredToken>[] => [
  { header: 'CALLER', value: ({ caller }) => caller },
  { header: 'ID', value: ({ id }) => id ?? '-' },
  { header: 'STATUS', value: ({ status }) => status },
  {
    header: 'EXPIRES',
    value: ({ expires, fault }) => (expires ? inWords(expires, nowMs) : fault === undefined ? 'never' : '-'),
  },
  { header: 'AGE', value: ({ created }) => formatAge(created, nowMs) },
  { header: 'STORED', value: ({ stored }) => stored ?? '-', wide: true },
  { header: 'FOR', value: ({ for: madeFor }) => madeFor ?? '' },
];

/** `in 89d`, `3h ago`. */
function inWords(at: Date, nowMs: number): string {
  const leftMs = at.getTime() - nowMs;
  return leftMs > 0 ? `in ${formatAge(new Date(nowMs - leftMs), nowMs)}` : `${formatAge(at, nowMs)} ago`;
}
