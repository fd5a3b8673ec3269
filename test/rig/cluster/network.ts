/** The node's address and what lets pods' packets through. */
import { readFile, writeFile } from 'node:fs/promises';
import { NET } from './layout.ts';
import { run, tryRun } from './run.ts';

const BRIDGE_FILTER = '/proc/sys/net/bridge/bridge-nf-call-iptables';
const SYSCTLS: Readonly<Record<string, string>> = {
  '/proc/sys/net/ipv4/ip_forward': '1',
  // Else a Service between two pods of one bridge answers from the wrong address.
  [BRIDGE_FILTER]: '1',
};
/** Appended after kube-proxy's: only for hosts whose FORWARD chain ends in DROP. */
const FORWARD_RULES = ['-s', '-d'].map((side) => ['FORWARD', side, NET.podCidr, '-j', 'ACCEPT']);
const CHAIN_PREFIXES = ['KUBE-', 'CNI-'];

export async function raiseNetwork(): Promise<void> {
  const values = await readFile(BRIDGE_FILTER).catch(() => null);
  if (values === null) await tryRun(['modprobe', 'br_netfilter']);
  for (const [file, value] of Object.entries(SYSCTLS)) await writeFile(file, value);
  await run(['ip', 'link', 'add', NET.nodeBridge, 'type', 'bridge']);
  await run(['ip', 'address', 'add', `${NET.nodeAddress}/32`, 'dev', NET.nodeBridge]);
  await run(['ip', 'link', 'set', NET.nodeBridge, 'up']);
  for (const rule of FORWARD_RULES) await run(['iptables', '-w', '-A', ...rule]);
}

/** Also ends what kube-proxy, the kubelet and CNI plugins left in iptables. */
export async function removeNetwork(): Promise<void> {
  for (const bridge of [NET.nodeBridge, NET.podBridge]) await tryRun(['ip', 'link', 'delete', bridge]);
  for (const family of ['iptables', 'ip6tables']) {
    const saved = await tryRun([`${family}-save`]);
    const kept = withoutOurs(saved.stdout);
    // Not flushed and loaded anew: a table of another's rules would be gone for a moment.
    if (saved.code === 0 && kept !== '') await run([`${family}-restore`, '-w', '--noflush'], kept);
  }
}

export const networkIsThere = async (): Promise<boolean> =>
  (await tryRun(['ip', '-o', 'link', 'show', NET.nodeBridge])).code === 0;

/** The script for `iptables-restore --noflush` that deletes our chains and every rule that names them. */
export function withoutOurs(saved: string): string {
  const script: string[] = [];
  for (const table of saved.split(/^(?=\*)/m).filter((part) => part.startsWith('*'))) {
    const lines = table.split('\n');
    const ours = lines.flatMap((line) => /^:(\S+)/.exec(line)?.[1] ?? []).filter(isOurs);
    const foreign = lines.filter((line) => line.startsWith('-A') && !isOurs(line.split(' ')[1] ?? ''));
    const rules = foreign.filter((line) => jumpsToOurs(line) || isForwardRule(line));
    if (ours.length + rules.length === 0) continue;
    script.push(lines[0] ?? '', ...rules.map((line) => line.replace(/^-A/, '-D')));
    // Chains that jump to one another can be deleted once all of them are empty.
    script.push(...ours.map((chain) => `-F ${chain}`), ...ours.map((chain) => `-X ${chain}`), 'COMMIT');
  }
  return script.length === 0 ? '' : `${script.join('\n')}\n`;
}

const isOurs = (chain: string): boolean => CHAIN_PREFIXES.some((prefix) => chain.startsWith(prefix));
const jumpsToOurs = (rule: string): boolean => isOurs(/ -[jg] (\S+)/.exec(rule)?.[1] ?? '');
const isForwardRule = (rule: string): boolean =>
  FORWARD_RULES.some((ours) => rule.trim() === `-A ${ours.join(' ')}`);
