/** The map of the house, held: which part may know which, and what only entry points may do. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..');
/** Each part may import itself and those after it. */
const CHAIN = ['plugin', 'webhook', 'sidecar'] as const;
const MAX_LINES = 250;

const sources = globSync(`{${CHAIN.join(',')}}/**/*.{ts,tsx}`, { cwd: ROOT }).map((path) => {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const imports = [
    ...text.matchAll(/(?:^|\n)(?:import|export)\b[^;]*?\bfrom '([^']+)'|\bimport\('([^']+)'\)/g),
  ];
  return {
    path,
    text,
    part: path.split('/')[0] as string,
    imports: imports.map((each) => each[1] ?? each[2] ?? ''),
  };
});

const partOf = (path: string, specifier: string): string =>
  normalize(join(path, '..', specifier)).split('/')[0] as string;

test('there is something to look at', () => {
  for (const part of CHAIN)
    assert.ok(
      sources.some((each) => each.part === part),
      part,
    );
});

test('plugin knows webhook, webhook knows sidecar, and never the other way', () => {
  const wrong = sources.flatMap(({ path, part, imports }) => {
    const allowed = ['package.json', ...CHAIN.slice(CHAIN.indexOf(part as (typeof CHAIN)[number]))];
    return imports
      .filter((each) => each.startsWith('.') && !allowed.includes(partOf(path, each)))
      .map((each) => `${path} imports ${each}`);
  });
  assert.deepEqual(wrong, []);
});

test('the sidecar does without what would make it heavy', () => {
  const heavy = /^(express|commander|ink|react|@kubernetes\/client-node)(\/|$)/;
  const wrong = sources
    .filter(({ part }) => part === 'sidecar')
    .flatMap(({ path, text }) =>
      [...text.matchAll(/^import (?!type\b).*from '([^']+)'/gm)]
        .filter((each) => heavy.test(each[1] ?? ''))
        .map((each) => `${path} imports ${each[1]}`),
    );
  assert.deepEqual(wrong, []);
});

test('no default exports and no barrels', () => {
  const wrong = sources.filter(({ text }) => /^export (default\b|\*|(type )?\{[^}]*\} from)/m.test(text));
  assert.deepEqual(
    wrong.map(({ path }) => path),
    [],
  );
});

test('only entry points touch the process', () => {
  const entries = [...CHAIN.map((part) => `${part}/main.ts`), 'sidecar/dial.ts'];
  const wrong = sources
    .filter(({ path }) => !entries.includes(path))
    .filter(({ text }) =>
      /\bprocess\.(env|argv|exit|exitCode|on|once|std\w+)\b|from '(node:)?process'/.test(code(text)),
    );
  assert.deepEqual(
    wrong.map(({ path }) => path),
    [],
  );
});

test(`no file over ${MAX_LINES} lines`, () => {
  const wrong = sources.filter(({ text }) => text.split('\n').length > MAX_LINES + 1);
  assert.deepEqual(
    wrong.map(({ path }) => path),
    [],
  );
});

const code = (text: string): string => text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
