/**
 * A real cert-manager issues for the webhook, by the component of manifests/. There is one webhook: it is taken over,
 * and given back at the end.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { INSTALL_NAMESPACE, PREFIX, WEBHOOK_CONFIGURATION, WEBHOOK_NAME } from '../../webhook/names.ts';
import { layoutOf } from '../rig/cluster/layout.ts';
import { definitionsOf } from '../rig/definitions.ts';
import { buildProgram } from '../rig/go-program.ts';
import { kustomized } from '../rig/kustomize.ts';
import { doctorFindings } from './doctor-entries.ts';
import { kubectl, noCluster, webhookRolledOut } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';

const NAMESPACE = namespaceName('test-cert-manager');
const CONFIGURATION = `mutatingwebhookconfiguration/${WEBHOOK_CONFIGURATION}`;
const EARLY_WORD = `validatingwebhookconfiguration/${WEBHOOK_CONFIGURATION}`;
const CERTIFICATE = `certificate/${WEBHOOK_NAME}`;
const SECRET = `${WEBHOOK_NAME}-tls`;

const pod = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { generateName: 'try-', annotations: { [`${PREFIX}inject`]: 'true' } },
  spec: { containers: [{ name: 'server', image: 'server', ports: [{ containerPort: 3001 }] }] },
});
const tryPod = (): Promise<string> =>
  kubectl(
    [
      '-n',
      NAMESPACE,
      'create',
      '--dry-run=server',
      '-f',
      '-',
      '-o',
      'jsonpath={.spec.initContainers[*].name}',
    ],
    { input: pod },
  ).catch((error: Error) => error.message);
const inInstallation = (...args: string[]) => kubectl(['-n', INSTALL_NAMESPACE, ...args]);
const decoded = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8').trim();
const issuerRef = (name: string) => JSON.stringify({ spec: { issuerRef: { name } } });
const findings = () => doctorFindings('-n', NAMESPACE);

async function until(what: string, look: () => Promise<boolean>): Promise<number> {
  for (const started = Date.now(); ; await sleep(1_000)) {
    if (await look()) return Date.now() - started;
    if (Date.now() - started > 150_000) assert.fail(`not within 150 s: ${what}`);
  }
}
/** As `kubectl mcp install` does it, so that an install takes back what is applied here and not there. */
const apply = (text: string): Promise<string> =>
  kubectl(['apply', '--server-side', '--force-conflicts', '--field-manager=kubectl-mcp-install', '-f', '-'], {
    input: text,
  });
/** `pod/NAME` of each, those that are ending too. */
const replicas = async (): Promise<string[]> => {
  const label = 'app.kubernetes.io/component=webhook';
  return (await inInstallation('get', 'pods', '-l', label, '-o', 'name')).trim().split('\n');
};
/** How many replicas have said that they serve another certificate than at their start. */
async function replicasThatServeAnother(): Promise<number> {
  const logs = await Promise.all((await replicas()).map((name) => inInstallation('logs', name)));
  return logs.filter((text) => text.split('"message":"certificate served"').length > 2).length;
}

/** Its controller and CA injector, as a process beside the cluster. */
function startCertManager() {
  const directory = mkdtempSync(join(tmpdir(), 'cert-manager-'));
  const log = openSync(join(directory, 'log'), 'w');
  const child = spawn(buildProgram('cert-manager'), [layoutOf(process.env).kubeconfig], {
    stdio: ['ignore', log, log],
  });
  const exited = once(child, 'exit');
  return async () => {
    child.kill();
    await exited;
    rmSync(directory, { recursive: true });
  };
}

describe('the webhook with certificates of cert-manager', { skip: noCluster, timeout: 900_000 }, () => {
  const definitions = noCluster ? [] : definitionsOf('cert-manager');
  let stopCertManager: (() => Promise<void>) | undefined;

  before(async () => {
    await createNamespace(NAMESPACE);
    await webhookRolledOut();
    for (const path of definitions) await kubectl(['apply', '--server-side', '-f', path]);
    await kubectl(['wait', '--for=condition=Established', ...definitions.flatMap((path) => ['-f', path])]);
    stopCertManager = startCertManager();
    await apply(kustomized(['cert-manager']));
    // What an installation with the component never has.
    await inInstallation(
      'delete',
      `secret/${WEBHOOK_NAME}`,
      `role/${WEBHOOK_NAME}`,
      `rolebinding/${WEBHOOK_NAME}`,
    );
    await webhookRolledOut();
    await until('only the new replicas', async () => (await replicas()).length === 2);
  });
  after(async () => {
    await stopCertManager?.();
    const { code, stderr } = await kubectlMcp('install');
    await kubectl(['annotate', CONFIGURATION, 'cert-manager.io/inject-ca-from-']);
    for (const path of definitions) await kubectl(['delete', '--ignore-not-found', '-f', path]);
    await inInstallation('delete', '--ignore-not-found', 'secret', SECRET, 'kubectl-mcp-ca');
    await removeNamespace(NAMESPACE);
    assert.equal(code, 0, stderr);
  });

  test('injects with a certificate and a caBundle that are not its own, and doctor finds nothing', async () => {
    await until('an injected pod', async () => (await tryPod()) === 'mcp-proxy');
    await until('a doctor without findings', async () => (await findings()).size === 0);
    const ca = await inInstallation('get', 'secret', SECRET, '-o', 'jsonpath={.data.ca\\.crt}');
    for (const each of [CONFIGURATION, EARLY_WORD]) {
      const bundles = await kubectl(['get', each, '-o', 'jsonpath={.webhooks[*].clientConfig.caBundle}']);
      // A CA that was there before stays beside it until it ends: cert-manager merges.
      for (const bundle of bundles.split(' ')) assert.ok(decoded(bundle).endsWith(decoded(ca)), each);
    }
    assert.equal(await inInstallation('get', 'secret', WEBHOOK_NAME, '--ignore-not-found', '-o', 'name'), '');
  });

  test('follows a certificate that is issued anew, without a restart, and no pod is refused', async (t: TestContext) => {
    const serial = ['get', 'secret', SECRET, '--ignore-not-found', '-o', 'jsonpath={.data.tls\\.crt}'];
    const old = await inInstallation(...serial);
    const started = Date.now();
    await inInstallation('delete', 'secret', SECRET);
    await until('another certificate', async () => ![old, ''].includes(await inInstallation(...serial)));
    const issuedMs = Date.now() - started;
    await until('both replicas to serve it', async () => {
      assert.equal(await tryPod(), 'mcp-proxy');
      return (await replicasThatServeAnother()) === 2;
    });
    t.diagnostic(
      `issued anew after ${issuedMs / 1000} s, served by both replicas after ${(Date.now() - started) / 1000} s`,
    );
    await until('a doctor without findings', async () => (await findings()).size === 0);
  });

  test('doctor names a Certificate that cannot be issued, and an annotation that leads to nothing', async () => {
    await inInstallation('patch', CERTIFICATE, '--type=merge', '-p', issuerRef('gone'));
    await until('MCP205', async () => !!(await findings()).get('MCP205')?.error?.endsWith('is not ready'));
    assert.equal(await tryPod(), 'mcp-proxy', 'the old one serves on');
    await inInstallation('patch', CERTIFICATE, '--type=merge', '-p', issuerRef('kubectl-mcp-ca'));
    await kubectl(['annotate', CONFIGURATION, '--overwrite', 'cert-manager.io/inject-ca-from=nowhere/none']);
    const found = (await findings()).get('MCP205');
    assert.equal(found?.error, 'there is no Certificate nowhere/none');
    await kubectl([
      'annotate',
      CONFIGURATION,
      '--overwrite',
      `cert-manager.io/inject-ca-from=${INSTALL_NAMESPACE}/${WEBHOOK_NAME}`,
    ]);
    await until('a doctor without findings', async () => (await findings()).size === 0);
  });

  test('goes back to its own by kubectl mcp install', async () => {
    const { code, stderr } = await kubectlMcp('install');
    assert.equal(code, 0, stderr);
    await webhookRolledOut();
    await until('an injected pod', async () => (await tryPod()) === 'mcp-proxy');
    const certificate = ['get', 'secret', WEBHOOK_NAME, '-o', 'jsonpath={.data.tls\\.crt}'];
    assert.notEqual(await inInstallation(...certificate), '');
  });
});
