import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Column, formatTable } from '../../../plugin/print/table.ts';

const columns: readonly Column<{ name: string; ready: string; image?: string }>[] = [
  { header: 'NAME', value: ({ name }) => name },
  { header: 'OK', value: ({ ready }) => ready },
  { header: 'IMAGE', wide: true, value: ({ image }) => image ?? '' },
  { header: 'AGE', value: () => '5m' },
];

test('columns are three spaces apart and at least six wide, as kubectl prints them', () => {
  assert.equal(
    formatTable(columns, [
      { name: 'deployment/weather', ready: '1/1' },
      { name: 'x', ready: '0/1' },
    ]),
    'NAME                 OK    AGE\ndeployment/weather   1/1   5m\nx                    0/1   5m\n',
  );
});

test('wide columns come with -o wide, and an empty last cell leaves no spaces', () => {
  const rows = [{ name: 'x', ready: '1/1', image: 'a:1' }];
  assert.equal(
    formatTable(columns, rows, { wide: true }),
    'NAME   OK    IMAGE   AGE\nx      1/1   a:1     5m\n',
  );
  const trailing: readonly Column<string>[] = [
    { header: 'NAME', value: (each) => each },
    { header: 'NOTE', value: () => '' },
  ];
  assert.equal(formatTable(trailing, ['x'], { noHeaders: true }), 'x\n');
});

test('no rows print nothing, not even headers', () => {
  assert.equal(formatTable(columns, []), '');
});

test('text of a server cannot forge rows or drive the terminal', () => {
  const rows = [{ name: 'a\nfake   1/1', ready: '\u001b[2Jred' }];
  assert.equal(formatTable(columns, rows, { noHeaders: true }), 'a fake   1/1   [2Jred   5m\n');
});
