/** What `kubectl mcp doctor` says of the installation. */
import assert from 'node:assert/strict';
import { kubectlMcp } from './plugin.ts';

export interface Entry {
  readonly code: string;
  /** `success`, `warning`, `error`, `skipped`. */
  readonly result: string;
  readonly error?: string;
  readonly cause?: string[];
  readonly fix?: string;
}

/** Those that are neither passed nor skipped, by code. */
export async function doctorFindings(...flags: string[]): Promise<Map<string, Entry>> {
  const { stdout, stderr } = await kubectlMcp('doctor', '-o', 'json', ...flags);
  assert.notEqual(stdout, '', stderr);
  const { categories } = JSON.parse(stdout) as { categories: { checks: Entry[] }[] };
  const found = categories
    .flatMap(({ checks }) => checks)
    .filter(({ result }) => ['error', 'warning'].includes(result));
  return new Map(found.map((each) => [each.code, each]));
}
