/** A namespace per run and file: one that is still ending, from the run before, holds nobody up. */
import { randomBytes } from 'node:crypto';
import { kubectl } from './kubectl.ts';

const LABEL = 'test.kubectl-mcp.dev/of';
const RUN = randomBytes(3).toString('hex');

export const namespaceName = (base: string): string => `${base}-${RUN}`;

/** Also removes what a killed run of the same file left. */
export async function createNamespace(name: string, labels: Record<string, string> = {}): Promise<void> {
  const base = name.slice(0, -RUN.length - 1);
  await kubectl(['delete', 'namespace', '-l', `${LABEL}=${base}`, '--wait=false']);
  const metadata = { name, labels: { [LABEL]: base, ...labels } };
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata };
  await kubectl(['create', '-f', '-'], { input: JSON.stringify(object) });
}

export const removeNamespace = (name: string): Promise<string> =>
  kubectl(['delete', 'namespace', name, '--wait=false', '--ignore-not-found']);
