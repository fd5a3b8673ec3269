/** mcp-server-kubernetes with a real cluster behind it, in both restricted modes: reads get through, and not one write. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { freePorts } from '../conformance/ports.ts';
import { npmPackages } from '../programs/built-once.ts';
import { layoutOf } from '../rig/cluster/layout.ts';
import { writeAsKubelet } from '../sidecar/mounted/write-volume.ts';
import { call, post } from '../sidecar/wire/post.ts';
import { startSidecar, untilHealth, type TestSidecar } from '../sidecar/wire/start-sidecar.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';

const NAMESPACE = namespaceName('policy-kubernetes');
const { kubectl: program, kubeconfig } = layoutOf(process.env);
const configMap = (name: string) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: '1' } });

/** A write for each tool that can be made to write here; the others are called with what they need at least. */
const WRITES: Readonly<Record<string, object>> = {
  kubectl_create: { resourceType: 'configmap', name: 'created', namespace: NAMESPACE, fromLiteral: ['a=1'] },
  kubectl_apply: { manifest: configMap('applied'), namespace: NAMESPACE },
  kubectl_delete: { resourceType: 'configmap', name: 'kept', namespace: NAMESPACE },
  kubectl_patch: {
    resourceType: 'configmap',
    name: 'kept',
    namespace: NAMESPACE,
    patchType: 'merge',
    patchData: { data: { a: '2' } },
  },
  kubectl_generic: { command: 'delete', resourceType: 'configmap', name: 'kept', namespace: NAMESPACE },
  kubectl_scale: { name: 'kept', namespace: NAMESPACE, replicas: 3 },
  kubectl_rollout: { subCommand: 'restart', resourceType: 'deployment', name: 'kept', namespace: NAMESPACE },
  exec_in_pod: { name: 'kept', namespace: NAMESPACE, command: ['true'] },
  port_forward: {
    resourceType: 'pod',
    resourceName: 'kept',
    localPort: 1,
    targetPort: 1,
    namespace: NAMESPACE,
  },
  stop_port_forward: { id: 'none' },
  cleanup: {},
  node_management: { operation: 'list' },
  install_helm_chart: { name: 'x', chart: 'x', namespace: NAMESPACE },
  upgrade_helm_chart: { name: 'x', chart: 'x', namespace: NAMESPACE },
  uninstall_helm_chart: { name: 'x', namespace: NAMESPACE },
};
const READ = { resourceType: 'configmaps', namespace: NAMESPACE, output: 'name' };

let server: ChildProcess;
let port: number;
const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-modes-'));
const sidecars: TestSidecar[] = [];

async function sidecarWith(policy: string): Promise<TestSidecar> {
  const own = mkdtempSync(join(directory, 'policy-'));
  writeAsKubelet(own, { 'policy.yaml': policy });
  const sidecar = await startSidecar({
    upstreamPort: port,
    policy: { source: 'configmap/mcp-policy', directory: own },
  });
  sidecars.push(sidecar);
  await untilHealth(sidecar, 'healthy');
  return sidecar;
}

const content = async (): Promise<unknown> =>
  JSON.parse(await kubectl(['get', 'configmap', '-n', NAMESPACE, '-o', 'json'])).items.map(
    (each: { metadata: { name: string; resourceVersion: string } }) => [
      each.metadata.name,
      each.metadata.resourceVersion,
    ],
  );

describe('mcp-server-kubernetes in a restricted mode', { skip: noCluster, timeout: 180_000 }, () => {
  before(async () => {
    await createNamespace(NAMESPACE);
    await kubectl(['apply', '-n', NAMESPACE, '-f', '-'], { input: configMap('kept') });
    const packages = npmPackages(join(import.meta.dirname, '../matrix/servers/npm'));
    [port] = (await freePorts(1)) as [number];
    const entry = join(packages, 'node_modules', 'mcp-server-kubernetes', 'dist', 'index.js');
    server = spawn(process.execPath, [entry], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: {
        PATH: `${dirname(program)}:${process.env['PATH']}`,
        HOME: directory,
        KUBECONFIG_PATH: kubeconfig,
        KUBECONFIG: kubeconfig,
        HOST: '127.0.0.1',
        PORT: String(port),
        ENABLE_UNSAFE_STREAMABLE_HTTP_TRANSPORT: '1',
      },
    });
    for await (const line of createInterface({ input: server.stdout! }))
      if (line.includes('is listening')) break;
    server.stdout!.resume();
  });
  after(async () => {
    for (const each of sidecars) await each.stop();
    server.kill();
    await once(server, 'exit');
    rmSync(directory, { recursive: true });
    await removeNamespace(NAMESPACE);
  });

  for (const mode of ['read-only', 'non-destructive']) {
    test(`${mode} lets reads through, and no tool that writes`, async () => {
      const sidecar = await sidecarWith(`version: 1\ntools: {mode: ${mode}}`);
      const held = await content();
      for (const [name, args] of Object.entries(WRITES)) {
        const { body } = await post(sidecar.url, call(name, 1, args));
        assert.equal(JSON.parse(body).error?.message, `Unknown tool: ${name}`);
      }
      assert.deepEqual(await content(), held);
      const list = JSON.parse(messageIn((await post(sidecar.url, LIST)).body));
      const names = (list.result.tools as { name: string }[]).map((each) => each.name);
      assert.deepEqual(
        names.filter((each) => each in WRITES),
        [],
      );
      assert.ok(names.includes('kubectl_get') && names.length < 12, names.join());
      assert.match((await post(sidecar.url, call('kubectl_get', 1, READ))).body, /kept/);
    });
  }

  test('what is denied there does write where it is not', async () => {
    const sidecar = await sidecarWith('version: 1');
    await post(sidecar.url, call('kubectl_apply', 1, WRITES['kubectl_apply']));
    assert.match(JSON.stringify(await content()), /applied/);
  });

  test('a rule keeps writes within one namespace', async () => {
    const sidecar = await sidecarWith(`version: 1
rules: [{name: here, tools: ["*"], allow: 'args.namespace == "${NAMESPACE}"'}]`);
    const { body } = await post(sidecar.url, call('kubectl_get', 1, { ...READ, namespace: 'kube-system' }));
    assert.match(body, /does not allow these arguments/);
    assert.match((await post(sidecar.url, call('kubectl_get', 1, READ))).body, /kept/);
  });

  test('an override keeps a tool within one namespace, whatever its callers send', async () => {
    const sidecar = await sidecarWith(`version: 1
tools:
  allow: [kubectl_get]
  overrides:
    - tool: kubectl_get
      name: get_here
      description: Reads objects of one namespace.
      arguments: { fixed: { namespace: ${NAMESPACE} }, hidden: [allNamespaces, context] }`);
    const list = JSON.parse(messageIn((await post(sidecar.url, LIST)).body));
    const [tool] = list.result.tools;
    assert.equal(list.result.tools.length, 1);
    assert.deepEqual([tool.name, tool.description], ['get_here', 'Reads objects of one namespace.']);
    assert.deepEqual(
      Object.keys(tool.inputSchema.properties).filter((each) => /namespace|context/i.test(each)),
      [],
    );
    const read = { resourceType: 'configmaps', output: 'name' };
    assert.match((await post(sidecar.url, call('get_here', 1, read))).body, /kept/);
    // What every namespace has another one of is here its own.
    const one = { resourceType: 'configmap', name: 'kube-root-ca.crt', output: 'json' };
    const { body } = await post(sidecar.url, call('get_here', 1, one));
    assert.ok(body.includes(NAMESPACE) && !body.includes('kube-system'), body);
    for (const more of [
      { namespace: 'kube-system' },
      { Namespace: 'kube-system' },
      { allNamespaces: true },
      { context: 'other' },
    ])
      assert.match(
        (await post(sidecar.url, call('get_here', 1, { ...read, ...more }))).body,
        /-32602.*Unknown argument: /,
      );
    assert.match(
      (await post(sidecar.url, call('kubectl_get', 1, { ...read, namespace: 'kube-system' }))).body,
      /Unknown tool: kubectl_get/,
    );
  });
});

const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
const messageIn = (body: string): string => /^data: (.*)$/m.exec(body)?.[1] ?? body;
