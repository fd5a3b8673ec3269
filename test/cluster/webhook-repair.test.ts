/** Clocks that jump, Secrets with expired certificates, a configuration edited by hand: what mends itself, what doctor names. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { issueCa, issueLeaf } from '../../webhook/issue.ts';
import { INSTALL_NAMESPACE, PREFIX, WEBHOOK_CONFIGURATION, WEBHOOK_NAME } from '../../webhook/names.ts';
import { WEBHOOK_HOST } from '../../webhook/stored-certificates.ts';
import { doctorFindings } from './doctor-entries.ts';
import { kubectl, noCluster, webhookRolledOut } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';

const NAMESPACE = namespaceName('test-repair');
const DAY_MS = 86_400_000;
const RECOVERS_WITHIN_MS = 60_000;
const CONFIGURATION = `mutatingwebhookconfiguration/${WEBHOOK_CONFIGURATION}`;
const DEPLOYMENT = `deployment/${WEBHOOK_NAME}`;

const pod = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { generateName: 'try-', annotations: { [`${PREFIX}inject`]: 'true' } },
  spec: { containers: [{ name: 'server', image: 'server', ports: [{ containerPort: 3001 }] }] },
});
/** What comes back of an annotated pod, through all of admission: its init containers, or why it is refused. */
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
const isInjected = async (): Promise<boolean> => (await tryPod()) === 'mcp-proxy';
const inInstallation = (...args: string[]) => kubectl(['-n', INSTALL_NAMESPACE, ...args]);
/** Those that are ending, too. */
const replicas = async (): Promise<string[]> =>
  (await inInstallation('get', 'pods', '-l', 'app.kubernetes.io/component=webhook', '-o', 'name'))
    .split('\n')
    .filter(Boolean);
const patch = (type: 'json' | 'strategic', change: object): Promise<string> =>
  kubectl(['patch', CONFIGURATION, `--type=${type}`, '-p', JSON.stringify(change)]);

async function until(what: string, look: () => Promise<boolean>): Promise<number> {
  for (const started = Date.now(); ; await sleep(500)) {
    if (await look()) return Date.now() - started;
    if (Date.now() - started > RECOVERS_WITHIN_MS) assert.fail(`not within a minute: ${what}`);
  }
}
const install = async (): Promise<void> => {
  const { code, stderr } = await kubectlMcp('install');
  assert.equal(code, 0, stderr);
};
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** Loaded before the webhook: 400 days ago until the given time, then now. */
const clockUntil = (ms: number): string =>
  `--import=data:text/javascript,${encodeURIComponent(
    `const R=Date,n=()=>R.now()-(R.now()<${ms}?${400 * DAY_MS}:0);globalThis.Date=new Proxy(R,{construct:(t,a,s)=>Reflect.construct(t,a.length?a:[n()],s),get:(t,k,r)=>k==='now'?n:Reflect.get(t,k,r)})`,
  )}`;

describe('the webhook, when something is wrong with it', { skip: noCluster, timeout: 600_000 }, () => {
  before(async () => {
    await createNamespace(NAMESPACE);
    await webhookRolledOut();
    await until('an injected pod', isInjected);
  });
  after(() => removeNamespace(NAMESPACE));

  test('an expired CA and certificate in the Secret are replaced, and no pod is refused meanwhile', async (t: TestContext) => {
    const then = new Date(Date.now() - 400 * DAY_MS);
    const ca = await issueCa(then);
    const data = { ...ca, ...(await issueLeaf(ca, WEBHOOK_HOST, then)) };
    const change = JSON.stringify({ stringData: data });
    await inInstallation('patch', 'secret', WEBHOOK_NAME, '-p', change);
    const stored = ['get', 'secret', WEBHOOK_NAME, '-o', 'jsonpath={.data.ca\\.crt}'];
    const expired = Buffer.from(ca['ca.crt']).toString('base64');
    const ms = await until('another CA', async () => {
      assert.equal(await tryPod(), 'mcp-proxy');
      return (await inInstallation(...stored)) !== expired;
    });
    t.diagnostic(`an expired CA in the Secret: replaced after ${seconds(ms)}`);
    for (let left = 15; left > 0; left--) assert.equal(await tryPod(), 'mcp-proxy');
  });

  test('a clock that jumps past the end of the CA: pods are refused until it does, doctor says why, a minute later all is well', async (t: TestContext) => {
    // Both at once: replicas whose clocks are a year apart replace each other's CA.
    await inInstallation('scale', DEPLOYMENT, '--replicas=0');
    await until('no replica', async () => (await replicas()).length === 0);
    const jumpsAtMs = Date.now() + 60_000;
    await inInstallation('set', 'env', DEPLOYMENT, `NODE_OPTIONS=${clockUntil(jumpsAtMs)}`);
    t.after(async () => {
      await inInstallation('set', 'env', DEPLOYMENT, 'NODE_OPTIONS-');
      await install();
    });
    await inInstallation('scale', DEPLOYMENT, '--replicas=2');
    await until('a refusal for the expired certificate', async () => {
      assert.ok(Date.now() < jumpsAtMs, 'the replicas took too long to start');
      return /certificate has expired/.test(await tryPod());
    });
    const findings = await doctorFindings('-n', NAMESPACE);
    assert.ok(Date.now() < jumpsAtMs, 'doctor took too long');
    assert.match(findings.get('MCP203')?.error ?? '', /has expired/);
    assert.match(findings.get('MCP204')?.error ?? '', /serves a certificate that expired at/);
    assert.match(String(findings.get('MCP109')?.cause), /certificate has expired/);
    await sleep(jumpsAtMs - Date.now());
    const ms = await until('an injected pod', isInjected);
    t.diagnostic(`the clock jumped past the end of the CA: recovered after ${seconds(ms)}`);
    await until('a doctor without findings', async () => (await doctorFindings('-n', NAMESPACE)).size === 0);
  });

  test('a caBundle of somebody else is written again', async (t: TestContext) => {
    // A replica that starts looks at once.
    await webhookRolledOut();
    await until('no other replica', async () => (await replicas()).length === 2);
    const { 'ca.crt': foreign } = await issueCa(new Date());
    const value = Buffer.from(foreign).toString('base64');
    const started = Date.now();
    await patch('json', [{ op: 'replace', path: '/webhooks/0/clientConfig/caBundle', value }]);
    await until('its own', async () => {
      const found = await kubectl([
        'get',
        CONFIGURATION,
        '-o',
        'jsonpath={.webhooks[0].clientConfig.caBundle}',
      ]);
      return found !== value;
    });
    await until('an injected pod', isInjected);
    t.diagnostic(`a foreign caBundle: recovered after ${seconds(Date.now() - started)}`);
  });

  for (const [what, change, code, says] of [
    [
      'failurePolicy is Ignore',
      { webhooks: [{ name: `inject.kubectl-mcp.dev`, failurePolicy: 'Ignore' }] },
      'MCP106',
      /changed by hand/,
    ],
    [
      'the rules are for other objects',
      {
        webhooks: [
          {
            name: `inject.kubectl-mcp.dev`,
            rules: [
              { apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['CREATE'] },
            ],
          },
        ],
      },
      'MCP109',
      /was not asked/,
    ],
    ['the entry is gone', { webhooks: null }, 'MCP101', /does not hold the webhook/],
  ] as const)
    test(`where ${what}, doctor names it, and install mends it`, async () => {
      await patch('strategic', change);
      // API servers learn of it in their own time.
      await sleep(2_000);
      const found = (await doctorFindings('-n', NAMESPACE)).get(code);
      assert.match(found?.error ?? '', says);
      assert.equal(found?.fix, 'kubectl mcp install');
      await install();
      await until('an injected pod', isInjected);
      await until(
        'a doctor without findings',
        async () => (await doctorFindings('-n', NAMESPACE)).size === 0,
      );
    });
});
