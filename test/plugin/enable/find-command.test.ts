import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { V1Container } from '@kubernetes/client-node';
import { findCommands } from '../../../plugin/enable/find-command.ts';
import { findPort } from '../../../plugin/enable/find-port.ts';
import { planEnable } from '../../../plugin/enable/plan.ts';
import type { WantedAnnotations } from '../../../plugin/enable/template.ts';
import { planDisable } from '../../../plugin/enable/undo.ts';
import type { Workload } from '../../../plugin/enable/workload.ts';
import type { Cluster } from '../../../plugin/kube/client.ts';
import { PREFIX } from '../../../webhook/names.ts';
import { around, service, workload } from './fixtures.ts';

const config = JSON.stringify({ config: { Entrypoint: ['node'], Cmd: ['x.js'] } });
const hash = (content: string): string => `sha256:${createHash('sha256').update(content).digest('hex')}`;
const manifest = JSON.stringify({ config: { digest: hash(config) } });
const AUTH = Buffer.from('me:pass').toString('base64');

/** Gives its one image to who has the password. */
const registry = createServer(({ url, headers }, response) => {
  asked++;
  if (headers.authorization !== `Basic ${AUTH}`)
    return void response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
  return void response.end(url?.includes('/manifests/') ? manifest : config);
});
let asked = 0;
let image = '';
before(async () => {
  await new Promise<void>((resolve) => void registry.listen(0, '127.0.0.1', resolve));
  image = `127.0.0.1:${(registry.address() as AddressInfo).port}/x:1`;
});
after(() => registry.close());

const host = (): string => image.split('/')[0]!;
const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64');
const gone = Object.assign(new Error('not found'), { code: 404, body: '{}' });
/** The default service account names one Secret, of the older type; the pod may name the other. */
const cluster = (): Cluster =>
  ({
    namespace: 'demo',
    core: {
      readNamespacedServiceAccount: async () => ({ imagePullSecrets: [{ name: 'older' }] }),
      readNamespacedSecret: async ({ name }: { name: string }) => {
        if (name === 'older') return { data: { '.dockercfg': encoded({ [host()]: { auth: AUTH } }) } };
        if (name !== 'newer') throw gone;
        return { data: { '.dockerconfigjson': encoded({ auths: { [host()]: { auth: AUTH } } }) } };
      },
    },
  }) as unknown as Cluster;

const stdio = (change: Partial<V1Container> = {}, annotations: Record<string, string> = {}): Workload =>
  workload((draft) => {
    draft.spec.template.metadata!.annotations = Object.fromEntries(
      Object.entries(annotations).map(([key, value]) => [PREFIX + key, value]),
    );
    const { ports: _, ...container } = draft.spec.template.spec!.containers[0]!;
    draft.spec.template.spec!.containers = [{ ...container, image, ...change }];
  });
const options = {
  env: { HOME: '/nonexistent' },
  plainHttp: true,
  signal: new AbortController().signal,
  note: () => {},
};
const found = (each: Workload, wanted: WantedAnnotations = { transport: 'stdio' }) =>
  findCommands(cluster(), each, wanted, options);
const read = (): string => `${image}@${hash(manifest)}`;

test('the command is read with the pull secret of the service account, or of the pod', async () => {
  const both = { transport: 'stdio', command: '["node","x.js"]', 'command-image': read() };
  assert.deepEqual(await found(stdio()), both);
  const named = stdio();
  named.spec.template.spec!.imagePullSecrets = [{ name: 'missing' }, { name: 'newer' }];
  assert.deepEqual(await found(named), both);
  named.spec.template.spec!.imagePullSecrets = [{ name: 'missing' }];
  await assert.rejects(found(named), /does not give it away without credentials/);
});

test('arguments of the container take the place of the CMD', async () => {
  assert.equal((await found(stdio({ args: ['y.js'] }))).command, '["node"]');
});

test('nothing is asked for a command that is known', async () => {
  asked = 0;
  for (const each of [
    stdio({ command: ['/server'] }),
    stdio({}, { transport: 'stdio', command: '["by-hand"]' }),
    stdio({}, { transport: 'stdio', command: '["node"]', 'command-image': read() }),
  ]) {
    assert.deepEqual(await found(each), { transport: 'stdio' });
  }
  const byHand = { transport: 'stdio', command: '["by-hand"]' };
  assert.deepEqual(await found(stdio(), byHand), byHand);
  assert.equal(asked, 0);
});

test('a command by hand no longer says which image it is from; one of another image is read again', async () => {
  const earlier = {
    transport: 'stdio',
    command: '["old"]',
    'command-image': `other:1@sha256:${'0'.repeat(64)}`,
  };
  const byHand = await found(stdio({}, earlier), { command: '["by-hand"]' });
  assert.deepEqual(byHand, { command: '["by-hand"]', 'command-image': '' });
  assert.deepEqual(await found(stdio({}, earlier), {}), {
    command: '["node","x.js"]',
    'command-image': read(),
  });
});

test('servers that are named have commands of their own; where annotations are refused, nothing is asked', async () => {
  const named = stdio({ name: 'git' }, { 'git.transport': 'stdio' });
  assert.deepEqual(await found(named, {}), { 'git.command': '["node","x.js"]', 'git.command-image': read() });
  asked = 0;
  const wrong = { transport: 'stdio', auth: 'none' };
  assert.deepEqual(await found(stdio(), wrong), wrong);
  assert.equal(asked, 0);
});

const random = (bytes: number) => new Uint8Array(bytes);
const planned = (
  each: Workload,
  annotations: WantedAnnotations,
  services = [service([{ port: 80, targetPort: 7410 }])],
) => planEnable(each, around({ services }), { annotations, keepService: false, random });

test('a port is neither looked for nor closed, and what was said of one is taken back', async () => {
  const was = stdio({ command: ['/server'] }, { inject: 'true', port: '3001', path: '/x' });
  const wanted = await findPort(cluster(), was, { transport: 'stdio' }, { pods: [], note: () => {} });
  assert.deepEqual(wanted, { transport: 'stdio' });
  const plan = planned(was, wanted);
  assert.deepEqual([plan.faults, plan.refusals, plan.warnings], [[], [], []]);
  assert.deepEqual(plan.template?.details, [
    'kubectl-mcp.dev/port removed',
    'kubectl-mcp.dev/path removed',
    'kubectl-mcp.dev/name: "everything"',
    'kubectl-mcp.dev/transport: "stdio"',
  ]);
  assert.deepEqual(
    plan.after.map(({ details }) => details),
    [['admits TCP/7410, TCP/7411']],
  );
});

test('back to HTTP nothing is left of stdio', () => {
  const was = stdio(
    { ports: [{ containerPort: 3001 }] },
    { inject: 'true', transport: 'stdio', command: '["x"]', 'stdio-sessions': 'shared' },
  );
  const { template } = planned(was, { transport: 'auto' });
  assert.deepEqual(Object.keys((template!.after as Workload).spec.template.metadata?.annotations ?? {}), [
    'kubectl-mcp.dev/inject',
    'kubectl-mcp.dev/transport',
    'kubectl-mcp.dev/name',
  ]);
});

const refusals = (each: Workload) => planDisable(each, around()).refusals;

test('what would end without the proxy is not disabled', () => {
  const annotations = { inject: 'true', transport: 'stdio' };
  const running = stdio({ command: ['/server'] }, annotations);
  assert.deepEqual(refusals(running), [
    'container everything of deployment/everything speaks stdio: without the proxy nobody holds its standard input open, and its pods would end as they start.\nSet stdin: true in the container first, or stop it: kubectl scale deployment/everything -n demo --replicas 0',
  ]);
  assert.deepEqual(refusals(stdio({ command: ['/server'], stdin: true }, annotations)), []);
  running.spec.replicas = 0;
  assert.deepEqual(refusals(running), []);
});

test('without a Service that leads to the proxy there is a command that makes one', () => {
  assert.deepEqual(planned(stdio({ command: ['/server'] }), { transport: 'stdio' }, []).warnings, [
    'no Service leads to port 7410 of the proxy; to make one: kubectl expose deployment/everything -n demo --port 80 --target-port 7410',
  ]);
});

test('a server of stdio beside one over HTTP takes no part in what is repointed', () => {
  const mixed = stdio(
    { command: ['/server'], name: 'a' },
    { inject: 'true', 'a.transport': 'stdio', 'a.listen-port': '7420', 'web.port': '3001' },
  );
  mixed.spec.template.spec!.containers.push({ name: 'web', image: 'web', ports: [{ containerPort: 3001 }] });
  const plan = planned(mixed, {}, [service([{ port: 80, targetPort: 3001 }])]);
  assert.deepEqual(plan.after[0]?.details, ['port 80: targetPort 3001 -> 7410']);
  assert.equal(plan.warnings.length, 1);
});
