/** Runs the protocol's own test suite against a URL and reads what each check said. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const SPEC_VERSIONS = ['2025-11-25', '2026-07-28'] as const;
export type SpecVersion = (typeof SPEC_VERSIONS)[number];

export interface Check {
  status: string;
  error?: string;
}

/** By `scenario: check id`; a check that a scenario emits more than once has all its statuses in order. */
export type Checks = Map<string, Check>;

const SUITE = join(import.meta.dirname, '../../node_modules/@modelcontextprotocol/conformance/dist/index.js');
/** It takes seconds, and a minute beside other work: one that hangs is to be told, with where. */
const TIMEOUT_MS = 300_000;
/** What happened on the way; it is no judgement. */
const NO_JUDGEMENT = new Set(['INFO']);

export const runSuite = (url: string, specVersion: SpecVersion): Promise<Checks> =>
  run(url, [['--suite', 'all', '--spec-version', specVersion]]);

/** Scenarios of the tasks extension, which are in no suite. */
const TASK_SCENARIOS = [
  'tasks-lifecycle',
  'tasks-capability-negotiation',
  'tasks-wire-fields',
  'tasks-request-state-removal',
  'tasks-mrtr-input',
  'tasks-request-headers',
  'tasks-dispatch-and-envelope',
  'tasks-status-notifications',
  'tasks-required-task-error',
  'tasks-mrtr-composition',
];

export const runTaskScenarios = (url: string): Promise<Checks> =>
  run(
    url,
    TASK_SCENARIOS.map((scenario) => ['--scenario', scenario]),
  );

async function run(url: string, selections: readonly string[][]): Promise<Checks> {
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-conformance-'));
  try {
    await Promise.all(
      selections.map((selection) => {
        const flags = ['--url', url, ...selection, '--output-dir', directory];
        return runOnce([SUITE, 'server', ...flags], directory);
      }),
    );
    return readChecks(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function runOnce(args: string[], cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { cwd, maxBuffer: 1 << 28, timeout: TIMEOUT_MS, killSignal: 'SIGKILL' } as const;
    // A failing check makes the suite exit with 1: the files, not the exit code, say what it found.
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      if (!error?.killed) return resolve();
      const last = `${stdout}\n${stderr}`.trimEnd().split('\n').slice(-10).join('\n');
      reject(new Error(`the suite did not end within ${TIMEOUT_MS} ms; its last words:\n${last}`));
    });
  });
}

function readChecks(directory: string): Checks {
  const checks: Checks = new Map();
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((each) =>
    each.endsWith('checks.json'),
  );
  for (const file of files.toSorted()) {
    const scenario = file.replace(/^.*?server-/, '').replace(/-\d{4}-\d\d-\d\dT.*$/, '');
    for (const { id, name, status, errorMessage } of JSON.parse(
      readFileSync(join(directory, file), 'utf8'),
    )) {
      if (NO_JUDGEMENT.has(status)) continue;
      const key = `${scenario}: ${id} (${name})`;
      const before = checks.get(key);
      checks.set(key, {
        status: before ? `${before.status}, ${status}` : status,
        error: [before?.error, errorMessage].filter(Boolean).join('; ') || undefined,
      });
    }
  }
  return checks;
}
