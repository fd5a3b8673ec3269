/** `npm test`: every stage in turn, the cheap ones first; `npm run test:full` adds those that take their time. */
import { spawnSync } from 'node:child_process';
import { globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const ROOT = join(import.meta.dirname, '..');
const SUMMARY = 'test/summary.md';

interface Stage {
  readonly name: string;
  readonly command: readonly string[];
  readonly full?: true;
  /** Its tables are figures that the summary keeps. */
  readonly tables?: true;
}

const tests = globSync('test/**/*.test.ts', { cwd: ROOT });
/** They wait for the kubelet, or load the cluster, for minutes. */
const LONG = [
  // cert-manager is built first; the webhook is taken over, and given back.
  'test/cluster/cert-manager.test.ts',
  // Helm is built first.
  'test/cluster/gitops.test.ts',
  'test/cluster/lockdown.test.ts',
  'test/cluster/oauth.test.ts',
  // A binding that is removed counts for 30 seconds.
  'test/cluster/authorization-pods.test.ts',
  // What is deleted is refused after ten seconds, or twenty.
  'test/cluster/deleted-tokens.test.ts',
  // Three rollouts.
  'test/cluster/pins.test.ts',
  'test/cluster/reload.test.ts',
  // Each form of output is read three times.
  'test/cluster/mask-kubernetes.test.ts',
  'test/cluster/stdio-servers.test.ts',
  // Pods that wait for their Secret, and each change until the kubelet has brought it.
  'test/cluster/token-life.test.ts',
  'test/cluster/webhook-repair.test.ts',
  'test/cluster/revision.test.ts',
  'test/cluster/webhook-rotation.test.ts',
];
/** Takes it down, and leaves another one. */
const LIFECYCLE = 'test/rig/cluster/lifecycle.test.ts';
/** Every client with every server, in all languages; a sample of them is among the others. */
const MATRIX = 'test/matrix/all.test.ts';
const TASKS = 'test/matrix/tasks/tasks.test.ts';
/** Of clients that are packages of other languages. */
const LOGINS = 'test/matrix/logins.test.ts';
const THOUSAND = 'test/sidecar/upstream/stdio/thousand.test.ts';
/** Of both platforms, built several times. */
const ofImage = tests.filter((path) => path.startsWith('test/image/'));
const [onCluster, withHelm, here] = [
  tests.filter((path) => path.startsWith('test/cluster/') && !LONG.includes(path)),
  tests.filter((path) => path.startsWith('test/helm/')),
  tests.filter(
    (path) =>
      !/^test\/(cluster|helm|image)\//.test(path) && ![LIFECYCLE, MATRIX, TASKS, LOGINS].includes(path),
  ),
];

const STAGES: readonly Stage[] = [
  { name: 'types, lint, format', command: ['npm', 'run', '-s', 'check'] },
  { name: 'unit, goldens, wire', command: ['node', '--test', '--test-concurrency=2', ...here.toSorted()] },
  { name: 'fuzzing, a minute', command: ['node', 'test/fuzz/run.ts', '--seconds', '60'] },
  {
    name: 'cluster, images',
    command: ['node', 'test/rig/prepare.ts', 'everything', 'conformance-server', 'stdio'],
  },
  { name: 'the main job on the cluster', command: ['node', 'test/demo/main.ts'] },
  {
    name: 'tests on the cluster',
    command: ['node', '--test', '--test-concurrency=1', ...onCluster.toSorted()],
  },
  {
    name: 'images of stdio servers',
    command: ['node', 'test/rig/prepare.ts', '--test-images', 'stdio-python', 'stdio-kubernetes'],
    full: true,
  },
  {
    name: 'long tests on the cluster',
    command: ['node', '--test', '--test-concurrency=1', ...LONG],
    full: true,
  },
  {
    name: 'what the webhook costs',
    command: ['node', 'test/scale/run.ts', '--precedence'],
    full: true,
    tables: true,
  },
  { name: 'the suites against the bundles', command: ['node', 'test/bundles/run.ts'], full: true },
  {
    name: 'the image',
    command: ['node', '--test', '--test-concurrency=1', ...ofImage.toSorted()],
    full: true,
  },
  {
    name: 'every client with every server',
    command: [
      'env',
      'INTERLEAVINGS=10000',
      'node',
      '--test',
      MATRIX,
      TASKS,
      LOGINS,
      'test/matrix/interleavings.test.ts',
    ],
    full: true,
  },
  {
    name: 'sessions of stdio servers that end rudely',
    command: ['env', 'RUDE_SESSIONS=1000', 'node', '--test', 'test/stdio/rude-sessions.test.ts'],
    full: true,
  },
  {
    name: 'an OpenID provider that is away for five minutes',
    command: [
      'env',
      'ISSUER_AWAY_SECONDS=300',
      'node',
      '--test',
      'test/sidecar/auth/oidc/oidc-tokens.test.ts',
    ],
    full: true,
  },
  {
    name: 'a thousand stdio processes, dropped rudely',
    command: ['env', 'STDIO_PROCESSES=1000', 'node', '--test', THOUSAND],
    full: true,
  },
  // Helm is built first, which takes minutes on a machine that has none.
  { name: 'the Helm chart', command: ['node', '--test', ...withHelm], full: true },
  {
    name: 'conformance, direct and through the sidecar',
    command: ['npm', 'run', '-s', 'conformance'],
    full: true,
    tables: true,
  },
  { name: 'fuzzing, planted bugs', command: ['node', 'test/fuzz/planted.ts'], full: true, tables: true },
  {
    name: 'fuzzing, an hour',
    command: ['node', 'test/fuzz/run.ts', '--seconds', process.env['FUZZ_SECONDS'] ?? '3600'],
    full: true,
    tables: true,
  },
  { name: 'soak', command: ['node', 'test/soak/run.ts'], full: true, tables: true },
  { name: 'bench', command: ['npm', 'run', '-s', 'bench'], full: true, tables: true },
  {
    name: 'bench, each pass',
    command: ['npm', 'run', '-s', 'bench', '--', '--passes'],
    full: true,
    tables: true,
  },
  { name: 'bench, stdio', command: ['npm', 'run', '-s', 'bench', '--', '--stdio'], full: true, tables: true },
  { name: 'the cluster comes and goes', command: ['node', '--test', LIFECYCLE], full: true },
];

const { values: options } = parseArgs({ options: { full: { type: 'boolean', default: false } } });
const results: { stage: Stage; ok: boolean; seconds: number; tables: string }[] = [];
try {
  for (const stage of STAGES.filter(({ full }) => options.full || !full)) {
    const ok = run(stage);
    // A later stage stands on an earlier one; the full run goes on to say all it can.
    if (!ok && !options.full) break;
  }
} finally {
  if (process.env['CI'])
    spawnSync('node', ['test/rig/cluster/main.ts', 'down'], { cwd: ROOT, stdio: 'inherit' });
}
const failed = results.filter(({ ok }) => !ok);
console.log(`\n${table()}`);
if (options.full) writeFileSync(join(ROOT, SUMMARY), summary());
process.exitCode = failed.length > 0 ? 1 : 0;

function run(stage: Stage): boolean {
  const started = Date.now();
  console.log(`\n── ${stage.name}`);
  const [program = '', ...args] = stage.command;
  const { status, stdout } = spawnSync(program, args, {
    cwd: ROOT,
    stdio: ['ignore', stage.tables ? 'pipe' : 'inherit', 'inherit'],
    encoding: 'utf8',
  });
  if (stage.tables) console.log(stdout);
  const result = {
    stage,
    ok: status === 0,
    seconds: Math.round((Date.now() - started) / 1000),
    tables: tablesOf(stdout ?? ''),
  };
  results.push(result);
  return result.ok;
}

function table(): string {
  const rows = results.map(
    ({ stage, ok, seconds }) => `| ${stage.name} | ${ok ? 'passed' : 'FAILED'} | ${seconds} s |`,
  );
  return ['| stage | result | duration |', '| --- | --- | --- |', ...rows].join('\n');
}

function summary(): string {
  const dirty = git('status', '--porcelain', '--', '.', `:!${SUMMARY}`)
    ? ', with changes that are not committed'
    : '';
  const details = results
    .filter(({ tables }) => tables)
    .map(({ stage, tables }) => `\n## ${stage.name}\n\n${tables}\n`);
  return `# npm run test:full\n\nCommit ${git('rev-parse', 'HEAD')}${dirty}, Node ${process.version}.\n\n${table()}\n${details.join('')}`;
}

/** The lines of Markdown tables, and the blank lines between them. */
function tablesOf(text: string): string {
  const kept = text
    .split('\n')
    .filter((line) => line === '' || line.startsWith('|') || line.startsWith('load average'));
  return kept
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim();
}

function git(...args: string[]): string {
  return spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' }).stdout.trim();
}
