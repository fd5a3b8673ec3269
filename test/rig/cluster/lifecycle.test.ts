/**
 * The cluster comes and goes: what `up` says when it cannot, and that `down` leaves nothing. Takes the cluster of the
 * machine down, so it is a stage of its own.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { layoutOf, NET, PAUSE_IMAGE } from './layout.ts';
import { kill, ownProcesses } from './processes.ts';
import { poll } from './progress.ts';
import { run } from './run.ts';
import { traces } from './traces.ts';

const MAIN = join(import.meta.dirname, 'main.ts');
const layout = layoutOf(process.env);

/** Not synchronous: a listener of this process has to answer meanwhile. */
async function cluster(verb: string, { env = {}, as = [] as string[] } = {}) {
  const [file = '', ...args] = [...as, process.execPath, MAIN, verb];
  const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said, last: said.trim().split('\n').at(-1) ?? '' };
}
const kubectl = (args: string, input?: string) =>
  run([layout.kubectl, '--kubeconfig', layout.kubeconfig, ...args.split(' ')], input);

/** Ends a daemon as a crash does. */
async function end(name: string): Promise<void> {
  const pid = (await ownProcesses(layout)).find(({ argv }) => argv[0]?.split('/').at(-1) === name)?.pid;
  assert.ok(pid, `${name} does not run`);
  kill(pid, 'SIGKILL');
  await poll(async () => !existsSync(`/proc/${pid}`), 5_000);
}
const pids = async (): Promise<number[]> => (await ownProcesses(layout)).map(({ pid }) => pid);
const isUp = async (): Promise<boolean> => (await cluster('status')).code === 0;

const POD = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'idle', labels: { app: 'idle' } },
  spec: { containers: [{ name: 'idle', image: PAUSE_IMAGE, ports: [{ containerPort: 80 }] }] },
});

describe('the cluster', { timeout: 900_000 }, () => {
  before(async () => {
    assert.equal((await cluster('down')).code, 0);
  });

  test('up says that it needs root', async () => {
    // Node and the sources may lie where nobody else may look: the user stays, and loses what root can do.
    const { code, last } = await cluster('up', { as: ['unshare', '--user', '--map-user=1000'] });
    assert.equal(code, 1);
    assert.equal(last, 'error: the cluster needs root: it makes network links, mounts and cgroups');
  });

  test('up names the port that is taken, and by whom', async (t) => {
    const server = createServer();
    t.after(() => server.close());
    await new Promise<void>((resolve) => server.listen(NET.etcdPort, '127.0.0.1', resolve));
    const { code, last } = await cluster('up');
    assert.equal(code, 1);
    assert.match(
      last,
      new RegExp(
        `^error: the cluster needs ports that are taken: 127.0.0.1:12379 \\(.+, pid ${process.pid}\\)$`,
      ),
    );
  });

  test('up says that there is no network to build from', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'no-network-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const nothing = { GOPROXY: 'http://127.0.0.1:9', GOMODCACHE: join(directory, 'modules') };
    const { code, last } = await cluster('up', { env: { ...nothing, KUBECTL_MCP_CLUSTER_DIR: directory } });
    assert.equal(code, 1);
    assert.match(
      last,
      /^error: no network: Go modules cannot be fetched \(.*127\.0\.0\.1:9.*\); see go env GOPROXY$/,
    );
  });

  test('down leaves no link, namespace, iptables chain, mount, process, cgroup or file', async () => {
    const old = await traces(layout);
    // Nor did those who were here before.
    assert.deepEqual(
      old.filter((each) => /kmcp-|KUBE-|CNI-|kubectl-mcp/.test(each)),
      [],
    );
    assert.equal((await cluster('up')).code, 0);
    await kubectl('create -f -', POD);
    await kubectl('expose pod idle --port=80');
    await kubectl('wait pod/idle --for=condition=Ready --timeout=60s');
    const kinds = new Set(
      (await traces(layout)).filter((each) => !old.includes(each)).map((each) => each.split(':')[0]),
    );
    for (const kind of ['link', 'mount', 'process', 'cgroup', 'iptables', '/var/log/containers'])
      assert.ok(kinds.has(kind), `no ${kind} while it is up`);
    assert.equal((await cluster('down')).code, 0);
    assert.deepEqual(await traces(layout), old);
    assert.ok(!existsSync(layout.state));
  });

  test('up says that the data of etcd are destroyed, and makes a new cluster', async () => {
    assert.equal((await cluster('up')).code, 0);
    await end('etcd');
    const database = join(layout.etcd, 'member', 'snap', 'db');
    writeFileSync(database, 'this is no database');
    const { code, said } = await cluster('up');
    assert.equal(code, 0, said);
    assert.match(said, /^ {2}the cluster before is broken: .*etcd has ended/m);
    rmSync(layout.etcd, { recursive: true });
    const gone = await cluster('up');
    assert.equal(gone.code, 0, gone.said);
    assert.match(gone.said, /^ {2}the cluster before is broken: the data of etcd is gone from /m);
    assert.ok(await isUp());
  });

  test('up names what has ended of a half-dead cluster, and makes a new one', async () => {
    await end('kubelet');
    await end('kube-proxy');
    const { code, said } = await cluster('up');
    assert.equal(code, 0, said);
    assert.match(
      said,
      /^ {2}the cluster before is broken: kubelet has ended \(.*\); kube-proxy has ended \(/m,
    );
    assert.ok(await isUp());
  });

  test('up again does nothing', async () => {
    const old = await pids();
    assert.match((await cluster('up')).last, /^cluster up \(/);
    assert.deepEqual(await pids(), old);
  });
});
