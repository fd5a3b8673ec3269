import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROWS } from './answers.ts';

const PAGE = join(import.meta.dirname, '..', '..', '..', '..', 'docs', 'oidc.md');
const BEGIN = '<!-- Made by test/sidecar/auth/oidc; UPDATE_GOLDEN=1 writes it anew. -->\n';
const END = '<!-- The end of what test/sidecar/auth/oidc has made. -->';

test('docs/oidc.md has the table of answers', () => {
  const cells = ROWS.flatMap(({ before, shows, status, says, name, groups = [] }) => {
    const who = [name, ...groups].map((each) => `\`${each}\``).join(', ');
    return [...(before ? [[`**${before.says}:**`, '', '']] : []), [shows, String(status), says ?? who]];
  });
  const lines = [['The caller shows', 'Status', 'Words, or the name and groups'], ...cells];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const written = lines.map((line) => `| ${line.map((each, at) => each.padEnd(widths[at]!)).join(' | ')} |`);
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  const made = `\n${[written[0], rule, ...written.slice(1)].join('\n')}\n\n`;
  const text = readFileSync(PAGE, 'utf8');
  const [from, to] = [text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END)];
  assert.ok(text.includes(BEGIN) && to >= from, `${PAGE} has no section for it`);
  if (process.env['UPDATE_GOLDEN'] === '1')
    return writeFileSync(PAGE, text.slice(0, from) + made + text.slice(to));
  assert.equal(text.slice(from, to), made, 'UPDATE_GOLDEN=1 writes it anew');
});
