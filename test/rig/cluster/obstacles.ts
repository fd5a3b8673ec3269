/** What keeps the cluster from coming up, or has broken the one before: each in one line that a person can act on. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { components } from './components.ts';
import { isHealthy } from './health.ts';
import { NET } from './layout.ts';
import type { Layout } from './layout.ts';
import { takenPorts } from './listeners.ts';
import { ownProcesses } from './processes.ts';

/** Beside those by which the daemons are asked whether they are well. */
const MORE_PORTS = [
  { address: '127.0.0.1', port: NET.etcdPeerPort },
  { address: NET.nodeAddress, port: NET.dnsPort },
  { address: NET.nodeAddress, port: 10250 }, // kubelet
  { address: '127.0.0.1', port: 10249 }, // kube-proxy's metrics
];
const LOG_LINE_LENGTH = 200;

/** @throws naming each port that is taken and by whom. */
export function refuseTakenPorts(layout: Layout): void {
  const asked = components(layout).flatMap(({ health }) => {
    if (health.startsWith('unix:')) return [];
    const { hostname, port } = new URL(health);
    return [{ address: hostname, port: Number(port) }];
  });
  const taken = takenPorts([...asked, ...MORE_PORTS]);
  if (taken.length > 0) throw new Error(`the cluster needs ports that are taken: ${taken.join(', ')}`);
}

/** Written at etcd's first start; etcd itself runs on for a while when it is gone. */
export const dataIsThere = (layout: Layout): boolean => existsSync(join(layout.etcd, 'member', 'snap', 'db'));

/** Why the cluster that was there is not up. */
export async function whatBroke(layout: Layout): Promise<string> {
  const running = await ownProcesses(layout);
  const all = components(layout);
  const isRunning = (command: readonly string[]): boolean =>
    running.some(({ argv }) => argv[0] === command[0]);
  const ended = all.filter((each) => !isRunning(each.command));
  if (ended.length === all.length) return 'none of its processes runs';
  const faults = dataIsThere(layout) ? [] : [`the data of etcd is gone from ${layout.etcd}`];
  for (const { name } of ended) faults.push(`${name} has ended (${await lastWord(layout, name)})`);
  for (const each of all.filter(({ command }) => isRunning(command))) {
    if (!(await isHealthy(layout, each))) faults.push(`${each.name} is not well`);
  }
  return faults.join('; ') || 'its node is not Ready';
}

/** The latest line of its log that tells of a fault. */
async function lastWord(layout: Layout, name: string): Promise<string> {
  const text = await readFile(join(layout.logs, `${name}.log`), 'utf8').catch(() => '');
  const lines = text.split('\n').filter(Boolean);
  const fault = lines.findLast((line) => /panic|fatal|^[EF]\d{4} |level=(?:error|fatal)|"error"/.test(line));
  return (fault ?? lines.at(-1) ?? 'its log is empty').slice(0, LOG_LINE_LENGTH);
}
