/** An API server for one test: etcd and the server itself, no controllers and no nodes, so objects can come and go. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { layoutOf } from './cluster/layout.ts';

const { bin, kubectl: KUBECTL } = layoutOf(process.env);
const TOKEN = 'administrator';
const START_MS = 90_000;

export interface ApiServer {
  readonly kubeconfig: string;
  /** Returns stdout; throws with stderr. */
  readonly kubectl: (args: readonly string[], input?: string) => string;
  readonly stop: () => Promise<void>;
}

/** Needs the rig's programs and Debian's etcd: `npm run cluster -- up` brings both. */
export async function startApiServer(): Promise<ApiServer> {
  const directory = mkdtempSync(join(tmpdir(), 'api-server-'));
  const [client, peer, api] = await freePorts(3);
  const [etcdUrl, peerUrl] = [client, peer].map((port) => `http://127.0.0.1:${port}`);
  const kubeconfig = join(directory, 'kubeconfig');
  writeFileSync(kubeconfig, JSON.stringify(configOf(`https://127.0.0.1:${api}`)));
  writeFileSync(join(directory, 'tokens.csv'), `${TOKEN},administrator,administrator,system:masters\n`);
  execFileSync('openssl', ['genrsa', '-out', join(directory, 'account.key'), '2048'], { stdio: 'ignore' });
  const etcd = start('etcd', directory, [
    '--data-dir',
    'etcd',
    '--initial-cluster',
    `default=${peerUrl}`,
    '--listen-client-urls',
    etcdUrl!,
    '--advertise-client-urls',
    etcdUrl!,
    '--listen-peer-urls',
    peerUrl!,
    '--initial-advertise-peer-urls',
    peerUrl!,
  ]);
  const server = start(join(bin, 'kube-apiserver'), directory, [
    `--etcd-servers=${etcdUrl}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${api}`,
    '--cert-dir=tls',
    '--service-account-signing-key-file=account.key',
    '--service-account-key-file=account.key',
    '--service-account-issuer=https://kubernetes.default.svc',
    '--token-auth-file=tokens.csv',
    '--authorization-mode=RBAC',
    '--service-cluster-ip-range=10.99.0.0/24',
    // Nobody makes the accounts of namespaces.
    '--disable-admission-plugins=ServiceAccount',
  ]);
  const kubectl = (args: readonly string[], input = ''): string =>
    execFileSync(KUBECTL, ['--kubeconfig', kubeconfig, ...args], { encoding: 'utf8', input, stdio: 'pipe' });
  const stop = async (): Promise<void> => {
    for (const child of [server, etcd]) await end(child);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await ready(server, kubectl);
  } catch (error) {
    await stop();
    throw error;
  }
  return { kubeconfig, kubectl, stop };
}

const start = (program: string, cwd: string, args: readonly string[]): ChildProcess =>
  spawn(program, args, { cwd, stdio: 'ignore' }).on('error', () => undefined);

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

async function ready(server: ChildProcess, kubectl: ApiServer['kubectl']): Promise<void> {
  const until = Date.now() + START_MS;
  for (;;) {
    try {
      kubectl(['get', '--raw', '/readyz']);
      return;
    } catch (error) {
      if (server.pid === undefined || server.exitCode !== null || Date.now() > until) throw error;
      await sleep(200);
    }
  }
}

/** All at once, so that none is given twice. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((each) => once(each, 'listening')));
  const ports = servers.map((each) => (each.address() as AddressInfo).port);
  for (const each of servers) each.close();
  return ports;
}

const configOf = (server: string) => ({
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'test',
  contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
  clusters: [{ name: 'test', cluster: { server, 'insecure-skip-tls-verify': true } }],
  users: [{ name: 'test', user: { token: TOKEN } }],
});
