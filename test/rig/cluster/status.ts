/** What runs of the cluster. */
import { components } from './components.ts';
import { isHealthy, nodeIsReady } from './health.ts';
import { KUBERNETES_VERSION } from './layout.ts';
import type { Layout } from './layout.ts';
import { ownProcesses } from './processes.ts';

export type Status = { lines: string[]; healthy: boolean };

export async function status(layout: Layout): Promise<Status> {
  const running = await ownProcesses(layout);
  const rows = await Promise.all(
    components(layout).map(async (each) => {
      const pid = running.find(({ argv }) => argv[0] === each.command[0])?.pid;
      const state = pid === undefined ? 'stopped' : (await isHealthy(layout, each)) ? 'healthy' : 'unhealthy';
      return { name: each.name, state, detail: pid === undefined ? '' : `pid ${pid}` };
    }),
  );
  const ready = await nodeIsReady(layout);
  rows.push({
    name: 'node',
    state: ready ? 'ready' : 'not ready',
    detail: `Kubernetes ${KUBERNETES_VERSION}`,
  });
  const lines = rows.map(({ name, state, detail }) =>
    `${name.padEnd(26)}${state.padEnd(12)}${detail}`.trimEnd(),
  );
  const paths = [
    `kubectl     ${layout.kubectl}`,
    `kubeconfig  ${layout.kubeconfig}`,
    `logs        ${layout.logs}`,
  ];
  return {
    lines: [...lines, ...paths],
    healthy: ready && rows.slice(0, -1).every((row) => row.state === 'healthy'),
  };
}
