/** Nodes that are not there: KWOK says of pods on them that they run, and starts nothing. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { layoutOf } from './cluster/layout.ts';
import { run } from './cluster/run.ts';
import { buildProgram } from './go-program.ts';

const LABEL = 'test.kubectl-mcp.dev/fake';
const TAINT = { key: LABEL, value: 'true', effect: 'NoSchedule' };

/** For the spec of a pod that is to be on one of them; nothing else is scheduled there. */
export const ON_FAKE_NODE = {
  nodeSelector: { [LABEL]: 'true' },
  tolerations: [{ key: LABEL, operator: 'Exists' }],
};

export interface FakeNodes {
  readonly names: readonly string[];
  /** Their pods should be gone before. */
  stop(): Promise<void>;
}

/** Ready when this returns. The first time, KWOK is built, which takes two minutes. */
export async function startFakeNodes(count: number): Promise<FakeNodes> {
  const layout = layoutOf(process.env);
  const kubectl = (...args: string[]): string[] => [
    layout.kubectl,
    '--kubeconfig',
    layout.kubeconfig,
    ...args,
  ];
  const program = buildProgram('kwok');
  const names = Array.from({ length: count }, (_, index) => `fake-${index}`);
  const list = { apiVersion: 'v1', kind: 'List', items: names.map(nodeOf) };
  await run(kubectl('apply', '-f', '-'), JSON.stringify(list));
  const log = openSync(join(layout.logs, 'kwok.log'), 'a');
  const flags = ['--kubeconfig', layout.kubeconfig, '--manage-nodes-with-label-selector', `${LABEL}=true`];
  const kwok = spawn(program, flags, { stdio: ['ignore', log, log] });
  const nodes = names.map((each) => `node/${each}`);
  const stop = async (): Promise<void> => {
    await run(kubectl('delete', '--ignore-not-found', ...nodes));
    await ended(kwok);
  };
  try {
    await run(kubectl('wait', ...nodes, '--for=condition=Ready', '--timeout=60s'));
  } catch (error) {
    await stop();
    throw error;
  }
  return { names, stop };
}

const nodeOf = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { [LABEL]: 'true', 'kubernetes.io/hostname': name } },
  spec: { taints: [TAINT] },
});

async function ended(process: ChildProcess): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  process.kill();
  await once(process, 'exit');
}
