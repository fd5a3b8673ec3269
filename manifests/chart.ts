/** `node manifests/chart.ts`: gives the Helm chart its copies, for Helm reads nothing outside of a chart. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import packageJson from '../package.json' with { type: 'json' };

const CHART = 'helm/kubectl-mcp';
/** Components that bring objects of their own; of the others, the chart has the patches alone. */
const COMPONENTS = ['cert-manager', 'network-policy', 'prometheus'] as const;

/** What is to be in each file, by its path under manifests/. */
export function chartFiles(): Map<string, string> {
  const copies = [
    ['install', 'install.yaml'],
    ...COMPONENTS.map((name) => [name, `components/${name}/resources.yaml`] as const),
  ] as const;
  return new Map([
    ...copies.map(([name, source]) => [`${CHART}/files/${name}.yaml`, read(source)] as const),
    [`${CHART}/Chart.yaml`, withVersion(read(`${CHART}/Chart.yaml`))],
  ]);
}

const withVersion = (chart: string): string =>
  chart.replaceAll(/^((?:v|appV)ersion): .*$/gm, `$1: ${packageJson.version}`);

const read = (path: string): string => readFileSync(join(import.meta.dirname, path), 'utf8');

if (import.meta.main) {
  for (const [path, text] of chartFiles()) {
    const file = join(import.meta.dirname, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}
