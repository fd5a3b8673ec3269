/** Workloads are known by name, as their users know them: `http://NAME.NAMESPACE.svc/mcp`, resolved in a pod. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { audienceOf } from '../../webhook/names.ts';
import { imageName } from '../images/build.ts';
import { NET } from '../rig/cluster/layout.ts';
import { deployEverything } from './everything.ts';
import { INITIALIZE } from './initialize.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';

const NAMESPACE = namespaceName('test-dns');
const CALLER = `
apiVersion: v1
kind: Pod
metadata: { name: caller, namespace: ${NAMESPACE} }
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: caller
      image: ${imageName('everything')}
      imagePullPolicy: Never
      command: [/usr/bin/node, -e, "setTimeout(() => {}, 600_000)"]
      volumeMounts: [{ name: token, mountPath: /token }]
  volumes:
    - name: token
      projected:
        sources: [{ serviceAccountToken: { path: mcp, audience: "${audienceOf('everything', NAMESPACE)}" } }]
`;
/** The reference server's image has a Node, which asks the C library as most programs do. */
const CALL = `
const [url, body] = process.argv.slice(1);
const headers = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  authorization: 'Bearer ' + require('node:fs').readFileSync('/token/mcp', 'utf8'),
};
fetch(url, { method: 'POST', headers, body }).then(
  async (response) => console.log(response.status, await response.text()),
  (error) => console.log(error.cause.code),
);
`;
const initializeAt = (url: string) =>
  kubectl(['-n', NAMESPACE, 'exec', 'caller', '--', '/usr/bin/node', '-e', CALL, url, INITIALIZE]);

describe('names of workloads', { skip: noCluster, timeout: 180_000 }, () => {
  before(async () => {
    await deployEverything(NAMESPACE);
    await kubectl(['apply', '-f', '-'], { input: CALLER });
    const { code, stderr } = await kubectlMcp('enable', 'everything', '-n', NAMESPACE);
    assert.equal(code, 0, stderr);
    await kubectl(['-n', NAMESPACE, 'wait', 'pod/caller', '--for=condition=Ready', '--timeout=60s']);
  });
  after(() => removeNamespace(NAMESPACE));

  test('a pod calls MCP by the name of the Service, short or whole', async () => {
    const hosts = [
      'everything',
      `everything.${NAMESPACE}.svc`,
      `everything.${NAMESPACE}.svc.${NET.clusterDomain}`,
    ];
    for (const host of hosts) {
      const answer = await initializeAt(`http://${host}/mcp`);
      assert.match(answer, /^200 .*"serverInfo":\{"name":"[^"]*everything/s, host);
    }
  });

  test('a name that no Service has is not found', async () => {
    assert.equal(await initializeAt(`http://nobody.${NAMESPACE}.svc/mcp`), 'ENOTFOUND\n');
  });
});
