/** The Helm chart beside the manifests that it is made of. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { chartFiles } from '../../manifests/chart.ts';
import { OLDEST_KUBERNETES } from '../../plugin/install/kubernetes-version.ts';
import { rowsOf } from './values.ts';

const MANIFESTS = join(import.meta.dirname, '..', '..', 'manifests');
const read = (path: string): string => readFileSync(join(MANIFESTS, path), 'utf8');

test("the chart's copies are those of the manifests, and its version is the package's", () => {
  for (const [path, text] of chartFiles())
    assert.equal(read(path), text, `manifests/${path} is old: node manifests/chart.ts`);
});

test('the chart asks for the same Kubernetes as install', () => {
  const { kubeVersion } = parse(read('helm/kubectl-mcp/Chart.yaml')) as { kubeVersion: string };
  assert.equal(kubeVersion, `>=${OLDEST_KUBERNETES.major}.${OLDEST_KUBERNETES.minor}.0-0`);
});

test('docs/install.md names each value, with its default and what the schema says of it', () => {
  const page = readFileSync(join(MANIFESTS, '..', 'docs', 'install.md'), 'utf8');
  const [, section = ''] = page.split('\n## Helm\n');
  const table = section.split('\n').filter((line) => line.startsWith('| `'));
  const cells = table.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  const values = parse(read('helm/kubectl-mcp/values.yaml')) as object;
  assert.deepEqual(cells, rowsOf(JSON.parse(read('helm/kubectl-mcp/values.schema.json')), values));
});
