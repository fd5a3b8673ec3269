/** Roles and bindings of a real API server: the sidecar and `kubectl mcp can-i` say the same of each of 200 tools. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { allowedBy } from '../../plugin/access/ask.ts';
import { subjectFrom } from '../../plugin/access/subject.ts';
import { connect } from '../../plugin/kube/client.ts';
import { mapBounded } from '../../plugin/kube/health.ts';
import { layoutOf } from '../rig/cluster/layout.ts';
import { call, initialize, post } from '../sidecar/wire/post.ts';
import { LIST, stops } from '../sidecar/wire/proxied.ts';
import { startSidecar, untilHealth, type TestSidecar } from '../sidecar/wire/start-sidecar.ts';
import { startV1Server } from '../sidecar/wire/v1-server.ts';
import { waitFor } from '../sidecar/wire/wait-for.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';

const NAMESPACE = namespaceName('rbac-tools');
const AUDIENCE = 'https://tested.test';
/** As the sidecar of these tests calls its server. */
const SERVER = 'tested';
const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-rbac-'));
const inNamespace = (...args: string[]) => kubectl(['-n', NAMESPACE, ...args]);
const ALLOWED_SECONDS = 2;

/** With the characters that names of tools have. */
const TOOLS = Array.from(
  { length: 200 },
  (_, index) => [`tool-${index}`, `files.read.${index}`, `Upper_${index}`][index % 3]!,
);
const GRANTED = TOOLS.filter((_, index) => index % 4 === 1);

/** Without pods: what `can-i` and `grant` look at. */
const DEPLOYMENT = JSON.stringify({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: SERVER },
  spec: {
    replicas: 0,
    selector: { matchLabels: { app: SERVER } },
    template: {
      metadata: { labels: { app: SERVER }, annotations: { 'kubectl-mcp.dev/inject': 'true' } },
      spec: { containers: [{ name: SERVER, image: 'none', ports: [{ containerPort: 3001 }] }] },
    },
  },
});

const token = async (account: string, ...flags: string[]): Promise<string> =>
  (await inNamespace('create', 'token', account, ...flags)).trim();

const grant = (...args: string[]) => kubectlMcp('grant', '-n', NAMESPACE, ...args);
async function canI(...args: string[]): Promise<[number, string]> {
  const { code, stdout } = await kubectlMcp('can-i', 'call', ...args, '-n', NAMESPACE);
  return [code, stdout];
}

async function startTested(): Promise<TestSidecar> {
  const upstreamPort = await startV1Server((server) => {
    for (const name of TOOLS)
      server.registerTool(name, {}, () => ({ content: [{ type: 'text', text: `did ${name}` }] }));
  });
  const { hostname, port } = new URL(
    (await connect({ kubeconfig: layoutOf(process.env).kubeconfig }, {})).server,
  );
  const sidecar = await startSidecar({
    upstreamPort,
    auth: { mode: 'kubernetes', audience: AUDIENCE, allowPrincipals: ['*/*'], directory },
    apiServer: { host: hostname, port: Number(port) },
    pod: { namespace: NAMESPACE },
    edge: {
      authorization: {
        mode: 'kubernetes',
        directory,
        cacheAllowedSeconds: ALLOWED_SECONDS,
        cacheDeniedSeconds: ALLOWED_SECONDS,
      },
    },
  });
  stops.push(sidecar.stop);
  await untilHealth(sidecar, 'healthy');
  return sidecar;
}

async function clientOf(sidecar: TestSidecar, account: string) {
  const authorization = `Bearer ${await token(account, '--audience', AUDIENCE)}`;
  const session = await initialize(sidecar.url, { authorization });
  const headers = { authorization, 'mcp-session-id': session };
  const send = async (message: object) => {
    const { status, body } = await post(sidecar.url, message, headers);
    return { status, ...JSON.parse(/^data: (.*)$/m.exec(body)?.[1] ?? body) };
  };
  return {
    list: async (): Promise<string[]> =>
      (await send(LIST)).result.tools.map(({ name }: { name: string }) => name),
    call: async (name: string): Promise<string> => {
      const { result, error } = await send(call(name));
      return result?.content[0].text ?? error.message;
    },
  };
}

describe('authorization by a real API server', { skip: noCluster, timeout: 120_000 }, () => {
  before(async () => {
    await createNamespace(NAMESPACE);
    for (const name of ['planner', 'other', 'proxy']) await inNamespace('create', 'serviceaccount', name);
    await kubectl(['apply', '-n', NAMESPACE, '-f', '-'], { input: DEPLOYMENT });
    const reviews = 'localsubjectaccessreviews.authorization.k8s.io';
    await inNamespace('create', 'role', 'reviews', '--verb=create', `--resource=${reviews}`);
    await inNamespace(
      'create',
      'rolebinding',
      'reviews',
      '--role=reviews',
      `--serviceaccount=${NAMESPACE}:proxy`,
    );
    writeFileSync(join(directory, 'token'), await token('proxy'));
    writeFileSync(
      join(directory, 'ca.crt'),
      await inNamespace('get', 'configmap', 'kube-root-ca.crt', '-o', String.raw`jsonpath={.data.ca\.crt}`),
    );
  });
  after(async () => {
    rmSync(directory, { recursive: true });
    await removeNamespace(NAMESPACE);
  });

  test('one binding, two service accounts, 200 tools: sidecar and can-i agree on each', async (t) => {
    const granted = await grant(SERVER, '--to', `sa:${NAMESPACE}/planner`, '--tools', GRANTED.join(','));
    assert.equal(granted.code, 0, granted.stderr);
    assert.match(granted.stdout, /^role\S+ created\nrolebinding\S+ created\n$/);
    const sidecar = await startTested();
    const [planner, other] = [await clientOf(sidecar, 'planner'), await clientOf(sidecar, 'other')];
    const startedMs = performance.now();
    assert.deepEqual(await planner.list(), GRANTED);
    const listedMs = performance.now();
    assert.deepEqual(await planner.list(), GRANTED);
    t.diagnostic(
      `a list of 200 tools: ${(listedMs - startedMs).toFixed(0)} ms when nothing is known, then ${(performance.now() - listedMs).toFixed(0)} ms`,
    );
    assert.deepEqual(await other.list(), []);
    const cluster = await connect({ kubeconfig: layoutOf(process.env).kubeconfig, namespace: NAMESPACE }, {});
    for (const [account, client] of [
      ['planner', planner],
      ['other', other],
    ] as const) {
      const subject = subjectFrom(`${NAMESPACE}/${account}`, []);
      const said = await mapBounded(TOOLS, 8, (name) =>
        allowedBy({ cluster, subject }, { namespace: NAMESPACE, server: SERVER, verb: 'call', name }),
      );
      const done = await mapBounded(TOOLS, 8, client.call);
      assert.deepEqual(
        done,
        TOOLS.map((name, index) => (said[index]!.allowed ? `did ${name}` : `Unknown tool: ${name}`)),
      );
      assert.equal(said.filter(({ allowed }) => allowed).length, account === 'planner' ? GRANTED.length : 0);
    }
  });

  test('a binding that is removed is without effect once what was known is old', async () => {
    const sidecar = await startTested();
    const planner = await clientOf(sidecar, 'planner');
    const [name] = GRANTED as [string];
    assert.equal(await planner.call(name), `did ${name}`);
    const revoked = await grant(SERVER, '--to', `sa:${NAMESPACE}/planner`, '--all', '--revoke');
    assert.match(revoked.stdout, /^rolebinding\S+ deleted\nrole\S+ deleted\n$/, revoked.stderr);
    const removedMs = performance.now();
    await waitFor(
      'the tool to be unknown',
      async () => (await planner.call(name)) === `Unknown tool: ${name}`,
    );
    assert.ok(performance.now() - removedMs < ALLOWED_SECONDS * 1_000 + 10_000);
  });

  test('groups and users of other kinds are bound by their names, and can-i answers with its exit code', async () => {
    assert.equal(
      (await grant('--to', 'group:oidc:devs', '--tools', 'files/read: ä', '--tools', 'tool-0')).code,
      0,
    );
    const again = await grant('--to', 'group:oidc:devs', '--tools', 'tool-0,Upper_2');
    assert.match(again.stdout, /^role\S+ configured\n$/);
    assert.match(
      again.stderr,
      /nobody is oidc:devs to the proxy of deployment\/tested: its auth is kubernetes/,
    );
    assert.match((await grant('--to', 'group:oidc:devs', '--tools', 'Upper_2')).stdout, / unchanged\n$/);
    const devs = ['--as', 'oidc:alice', '--as-group', 'oidc:devs'];
    assert.deepEqual(await canI('files/read: ä', ...devs), [0, 'yes\n']);
    assert.deepEqual(await canI('tool-3', SERVER, ...devs), [1, 'no\n']);
    assert.deepEqual(await canI('tool-3', `deploy/${SERVER}`), [0, 'yes\n'], 'the administrator may');
  });
});
