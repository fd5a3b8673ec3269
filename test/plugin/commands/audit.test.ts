import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { csvField } from '../../../plugin/audit/printers.ts';
import { programOf } from '../../bundles/programs.ts';
import { auditLine } from '../audit/record-lines.ts';
import { run } from '../run.ts';

const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-audit-test-'));
after(() => rmSync(directory, { recursive: true }));
const file = (name: string, lines: readonly string[]): string => {
  const path = join(directory, name);
  writeFileSync(path, lines.join(''));
  return path;
};

const one = file('one.log', [
  auditLine({ atMs: 0, pod: 'weather-1', tool: 'echo' }),
  auditLine({ atMs: 2, pod: 'weather-1', tool: 'delete_pod', outcome: 'denied', user: 'mtls:ops' }),
  '{"level":"info","message":"started","component":"sidecar"}\n',
  auditLine({
    atMs: 3_500_000,
    pod: 'weather-1',
    tool: 'get_pods',
    called: 'pods',
    actors: ['agents/planner'],
  }),
]);
const two = file('two.log', [
  auditLine({ atMs: 1, pod: 'weather-2', tool: 'file:///a', method: 'resources/read' }),
  auditLine({ atMs: 3, pod: 'weather-2', tool: 'echo', outcome: 'error', component: 'tools/time' }),
  auditLine().slice(0, 99),
]);
const both = (...args: string[]) => run(['audit', '-f', one, '-f', two, ...args]);
const targets = async (...args: string[]): Promise<string[]> => {
  const { stdout, stderr } = await both('-o', 'jsonl', ...args);
  assert.ok(!stderr.startsWith('error'), stderr);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line).target.name);
};

describe('audit', () => {
  test('shows the records of all files in order of time, and counts what is broken', async () => {
    const { code, stdout, stderr } = await both();
    assert.equal(code, 0);
    assert.equal(
      stdout,
      `TIME                       POD         PRINCIPAL   METHOD           TARGET       OUTCOME   RULE      DURATION
2026-11-20T11:00:00.000Z   weather-1   token:ci    tools/call       echo         success   default   9.3ms
2026-11-20T11:00:00.001Z   weather-2   token:ci    resources/read   file:///a    success   default   9.3ms
2026-11-20T11:00:00.002Z   weather-1   mtls:ops    tools/call       delete_pod   denied    default   9.3ms
2026-11-20T11:00:00.003Z   weather-2   token:ci    tools/call       echo         error     default   9.3ms
2026-11-20T11:58:20.000Z   weather-1   token:ci    tools/call       get_pods     success   default   9.3ms
`,
    );
    assert.equal(stderr, `Warning: 1 line is cut or no JSON, and left out: line 3 of ${two}\n`);
    const wide = await both('-o', 'wide', '--no-headers');
    assert.match(wide.stdout, / {3}default +tools\/time +- +- +10\.0\.0\.9 +200 /);
  });

  for (const [args, expected] of [
    [
      ['--tool', 'echo'],
      ['echo', 'echo'],
    ],
    [
      ['--tool', '*_pod,pods'],
      ['delete_pod', 'get_pods'],
    ],
    [
      ['--tool', 'pods', '--tool', 'delete*'],
      ['delete_pod', 'get_pods'],
    ],
    [['--principal', 'mtls:*'], ['delete_pod']],
    [['--principal', 'agents/*'], ['get_pods']],
    [
      ['--outcome', 'denied,error'],
      ['delete_pod', 'echo'],
    ],
    [['--method', 'resources/*'], ['file:///a']],
    [['--component', 'tools/*'], ['echo']],
    [['--since', '5m'], ['get_pods']],
    [
      ['--since-time', '2026-11-20T11:00:00.003Z'],
      ['echo', 'get_pods'],
    ],
    [
      ['--tail', '2'],
      ['echo', 'get_pods'],
    ],
    [['--tail', '1', '--tool', 'echo'], ['echo']],
    [['--tail', '0'], []],
  ] as [string[], string[]][])
    test(`${args.join(' ')}: ${expected.join(', ')}`, async () =>
      assert.deepEqual(await targets(...args), expected));

  test('takes stdin, with several pods one after the other as kubectl writes them', async () => {
    const prefixed = ['weather-1', 'weather-2']
      .flatMap((pod) =>
        [0, 60_000].map(
          (atMs) => `[pod/${pod}/mcp-proxy] ${auditLine({ atMs, pod, tool: `${pod}-${atMs}` })}`,
        ),
      )
      .join('');
    for (const flags of [[], ['--follow']]) {
      const { code, stdout } = await run(['audit', '-f', '-', '-o', 'csv', ...flags], { input: prefixed });
      assert.equal(code, 0);
      assert.deepEqual(
        stdout.split('\n').map((line) => line.split(',')[4]),
        ['TARGET', 'weather-1-0', 'weather-2-0', 'weather-1-60000', 'weather-2-60000', undefined],
      );
    }
  });

  test('prints JSON that is one document, or one a line as it was written', async () => {
    const { items } = JSON.parse((await both('-o', 'json')).stdout);
    const lines = (await both('-o', 'jsonl')).stdout.trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line)),
      items,
    );
    const none = await both('-o', 'json', '--tool', 'none');
    assert.deepEqual([JSON.parse(none.stdout), none.code], [{ items: [] }, 0]);
    assert.match(none.stderr, /^No audit records found\.\n/);
  });

  test('makes nothing of what clients write to drive a terminal or a spreadsheet', async () => {
    const tool = '=cmd|"x"!A1\u001b[2J\u009b1m\u202e\n,';
    const path = file('rude.log', [auditLine({ tool, user: 'token:@a' })]);
    for (const format of ['table', 'wide', 'csv', 'json', 'jsonl']) {
      const { stdout } = await run(['audit', '-f', path, '-o', format]);
      // oxlint-disable-next-line no-control-regex
      assert.doesNotMatch(stdout, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/, format);
    }
    const { stdout: csv } = await run(['audit', '-f', path, '-o', 'csv', '--no-headers']);
    assert.match(csv, /,tools\/call,"'=cmd\|""x""!A1<U\+001B>\[2J<U\+009B>1m<U\+202E><U\+000A>,",success,/);
    assert.equal(csv.split('\n').length, 2);
    const { stdout: json } = await run(['audit', '-f', path, '-o', 'jsonl']);
    assert.equal(JSON.parse(json).target.name, tool);
  });

  for (const [text, field] of [
    ['a', 'a'],
    ['a,b', '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['＝1', "'＝1"],
    ['\t=1', "'\t=1"],
    [' a', '" a"'],
    ['a=1', 'a=1'],
  ] as const)
    test(`a field of CSV: ${JSON.stringify(text)}`, () => assert.equal(csvField(text), field));

  for (const [args, error] of [
    [['-f', '/nonexistent'], /^error: -f: cannot read \/nonexistent: no such file/],
    [['-f', directory], /it is no regular file\nPipe it in/],
    [['-f', one, 'weather'], /-f reads files: names, -l and -A are of pods/],
    [['-f', one, '--follow'], /Follow a file: tail -f FILE/],
    [['-f', one, '--outcome', 'ok'], /expected one of success, application_error, denied, failure, error/],
    [['-f', one, '--since', 'x'], /time: invalid duration "x"/],
    [['-f', one, '--since', '1h', '--since-time', '2026-11-20T11:00:00Z'], /at most one of/],
    [['-f', one, '--since-time', 'yesterday'], /expected a time of RFC 3339/],
    [['-f', one, '--tail', 'x'], /invalid argument "x" for "--tail"/],
    [['-f', '-', '--follow', '-o', 'json'], /use -o jsonl/],
    [['-f', one, '-o', 'yaml'], /allowed formats are: csv,json,jsonl,table,wide/],
  ] as [string[], RegExp][])
    test(`refuses ${args.join(' ').replace(directory, 'DIR')}`, async () => {
      const { code, stdout, stderr } = await run(['audit', ...args]);
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, error);
    });
});

describe('audit as a process', () => {
  const program = programOf('plugin');

  test('ends without a word when its reader leaves', () => {
    const path = file(
      'many.log',
      Array.from({ length: 20_000 }, (_, atMs) => auditLine({ atMs })),
    );
    const { stdout, stderr, status } = spawnSync(
      'bash',
      ['-c', '"$0" "$1" audit -f "$2" | head -n 2; exit "${PIPESTATUS[0]}"', process.execPath, program, path],
      { encoding: 'utf8' },
    );
    assert.equal(stdout.split('\n').length, 3);
    assert.deepEqual([status, stderr], [0, '']);
  });

  test('shows what comes on stdin at once, and ends with Ctrl-C', async () => {
    const child = spawn(process.execPath, [program, 'audit', '-f', '-', '--follow', '-o', 'jsonl']);
    const errors: string[] = [];
    child.stderr.on('data', (text: Buffer) => errors.push(text.toString()));
    child.stdin.write(auditLine({ tool: 'live' }));
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    assert.equal(JSON.parse(line.toString()).target.name, 'live');
    child.kill('SIGINT');
    const [code] = (await once(child, 'close')) as [number];
    assert.deepEqual([code, errors.join('')], [130, '']);
  });
});
