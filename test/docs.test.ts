/** What the pages name is there: links, commands and their flags, annotations, scripts. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { before, describe, test } from 'node:test';
import type { Command } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { ORIGINAL_TARGET_PORTS } from '../plugin/enable/services.ts';
import { connect } from '../plugin/kube/client.ts';
import { buildProgram } from '../plugin/program.ts';
import { bufferStreams } from '../plugin/streams.ts';
import { ANNOTATION_KEYS } from '../webhook/annotations.ts';
import { PREFIX } from '../webhook/names.ts';

const ROOT = join(import.meta.dirname, '..');
const pages = globSync('{*.md,docs/**/*.md}', { cwd: ROOT }).map((path) => ({
  path,
  text: readFileSync(join(ROOT, path), 'utf8'),
}));
/** Block by block, for a back-tick inside of a fence means nothing. */
const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm;
const prose = (text: string): string => text.replace(FENCE, '');
const blocks = (text: string): string[] => [...text.matchAll(FENCE)].map((each) => each[2] ?? '');
const snippets = (text: string): string[] => [
  ...blocks(text).flatMap((block) => block.replaceAll('\\\n', ' ').split('\n')),
  ...[...prose(text).matchAll(/`([^`\n]+)`/g)].map((each) => each[1] ?? ''),
];

/** Images, and what a user misspells. */
const NO_ANNOTATIONS = ['kubectl-mcp', 'test', 'deny-tool'].map((name) => PREFIX + name);
/** Keys of namespaces. */
const NAMESPACE_KEYS = ['injection', 'require', 'require-auth', 'revision', 'revision-'].map(
  (name) => PREFIX + name,
);
/** Made by a run. */
const MADE = ['test/summary.md'];

/** The anchor that a heading gets on the common forges. */
const slug = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
const anchors = (path: string): string[] =>
  [...prose(readFileSync(path, 'utf8')).matchAll(/^#+ (.+)$/gm)].map((each) => slug(each[1] ?? ''));

test('relative links lead to a file, and to a heading in it', () => {
  const broken = pages.flatMap(({ path, text }) =>
    [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)]
      .map((each) => each[1] ?? '')
      .filter((link) => !/^[a-z]+:/.test(link))
      .filter((link) => {
        const [file = '', anchor] = link.split('#');
        const target = file === '' ? join(ROOT, path) : normalize(join(ROOT, dirname(path), file));
        return !existsSync(target) || (anchor !== undefined && !anchors(target).includes(anchor));
      })
      .map((link) => `${path}: ${link}`),
  );
  assert.deepEqual(broken, []);
});

test('every page is reached from the README', () => {
  const reached = new Set(['README.md']);
  for (const from of reached) {
    const text = prose(readFileSync(join(ROOT, from), 'utf8'));
    for (const [, link = ''] of text.matchAll(/\]\(([^)#:\s]+\.md)(?:#[^)]*)?\)/g))
      reached.add(normalize(join(dirname(from), link)));
  }
  assert.deepEqual(
    pages.map(({ path }) => path).filter((path) => !reached.has(path)),
    [],
  );
});

describe('commands', () => {
  let program: Command;
  before(async () => {
    const { streams } = bufferStreams();
    const signal = new AbortController().signal;
    program = await buildProgram({ streams, env: {}, connect, nowMs: Date.now, signal });
  });

  test('kubectl mcp has every command that a page names, with its flags', () => {
    const unknown = pages.flatMap(({ path, text }) =>
      snippets(text)
        .flatMap((line) => [...line.matchAll(/\bkubectl mcp ([^|#;&)]+)/g)].map((each) => each[1] ?? ''))
        .flatMap((line) => faultsOf(line, program))
        .map((fault) => `${path}: ${fault}`),
    );
    assert.deepEqual(unknown, []);
  });
});

/** Words that are no command or flag of the program. */
function faultsOf(line: string, program: Command): string[] {
  const [...words] = line.split(' -- ', 1)[0]?.trim().split(/\s+/) ?? [];
  let command = program;
  while (command.commands.length > 0) {
    const word = words.shift() ?? '';
    // COMMAND stands for any of them.
    if (!/^[a-z]/.test(word)) return [];
    const next = command.commands.find((each) => each.name() === word);
    if (!next) return [`kubectl mcp ${line.trim()}: no command ${word}`];
    command = next;
  }
  const flags = [...command.options, ...program.options].flatMap(({ long, short }) => [long, short]);
  return words
    .filter((word) => /^--?[a-z]/.test(word))
    .map((word) => word.replace(/[=.,:'"].*$/, ''))
    .filter((word) => !['--help', ...flags].includes(word) && !flags.includes(word.replace(/^--/, '--no-')))
    .map((word) => `kubectl mcp ${line.trim()}: no flag ${word}`);
}

test('every annotation that a page names is in the table', () => {
  const known = new Set([
    ...ANNOTATION_KEYS.map((key) => PREFIX + key),
    ORIGINAL_TARGET_PORTS,
    ...NO_ANNOTATIONS,
    ...NAMESPACE_KEYS,
  ]);
  const unknown = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/(kubectl-mcp\.dev\/)(?:[a-z0-9-]+\.)?([a-z][a-z-]*)/g)]
      // Of one of several servers: kubectl-mcp.dev/SERVER.KEY.
      .map(([, prefix = '', key = '']) => prefix + key)
      .filter((name) => !known.has(name))
      .map((name) => `${path}: ${name}`),
  );
  assert.deepEqual(unknown, []);
});

test('every npm script that a page names is in package.json', () => {
  const unknown = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/\bnpm run (?:-s )?([\w:]+)/g)]
      .map((each) => each[1] ?? '')
      .filter((name) => !Object.hasOwn(packageJson.scripts, name))
      .map((name) => `${path}: npm run ${name}`),
  );
  assert.deepEqual(unknown, []);
});

test('source files that a page names are there', () => {
  const missing = pages.flatMap(({ path, text }) =>
    [...prose(text).matchAll(/`((?:plugin|webhook|sidecar|manifests|test|docs)\/[\w./-]+)`/g)]
      .map((each) => each[1] ?? '')
      .filter((name) => !MADE.includes(name) && !existsSync(join(ROOT, name)))
      .map((name) => `${path}: ${name}`),
  );
  assert.deepEqual(missing, []);
});
