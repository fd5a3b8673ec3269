/** All of manifests/ before the real API server; its three forms; what namespaces demand. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Deployment } from '@kubernetes/client-node';
import { DEFAULT_IMAGE } from '../../plugin/version.ts';
import { installObjects } from '../../plugin/install/manifest.ts';
import { PREFIX } from '../../webhook/names.ts';
import { blocksOf } from '../manifests/blocks.ts';
import { objectsIn } from '../manifests/objects.ts';
import { run } from '../plugin/run.ts';
import { PAUSE_IMAGE } from '../rig/cluster/layout.ts';
import { kustomized } from '../rig/kustomize.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';

const NAMESPACE = namespaceName('test-manifests');
const page = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const dryRun = (text: string): Promise<string> =>
  kubectl(['apply', '--server-side', '--force-conflicts', '--dry-run=server', '-o', 'name', '-f', '-'], {
    input: text,
  });

const label = (value: string) =>
  kubectl(['label', 'namespace', NAMESPACE, '--overwrite', `${PREFIX}require=${value}`]);

describe('kustomize', { skip: noCluster }, () => {
  test('the base is what install prints', async () => {
    const { stdout } = await run(['install', '--dry-run=client', '-o', 'yaml', '--image', DEFAULT_IMAGE]);
    assert.deepEqual(objectsIn(kustomized()), objectsIn(stdout));
  });

  test("one pin in the page's overlay moves what runs and what is injected", () => {
    const [overlay = {}] = blocksOf(page('docs/install.md'), 'kind: Kustomization');
    const { images, replacements } = overlay as { images: object[]; replacements: object[] };
    const deployment = objectsIn(kustomized([], { images, replacements }))[
      'Deployment kubectl-mcp-system/kubectl-mcp-webhook'
    ] as V1Deployment;
    const [container] = deployment.spec!.template.spec!.containers;
    assert.match(container!.image!, /^registry\.example\.com\/kubectl-mcp:/);
    const injected = container!.env!.find(({ name }) => name === 'KUBECTL_MCP_IMAGE')?.value;
    assert.equal(injected, container!.image);
  });
});

describe('the API server', { skip: noCluster, timeout: 120_000 }, () => {
  for (const components of [[], ['network-policy'], ['openshift', 'namespaced']])
    test(`takes the base with ${components.join(' and ') || 'no component'}`, async () => {
      const text = kustomized(components);
      const taken = (await dryRun(text)).trim().split('\n');
      assert.equal(taken.length, Object.keys(objectsIn(text)).length);
    });

  test('takes what cert-manager leaves of it', async () => {
    // Its own kinds need its own CRDs.
    const ours = Object.values(objectsIn(kustomized(['cert-manager']))).filter(
      ({ apiVersion }) => !apiVersion?.startsWith('cert-manager.io'),
    );
    await dryRun(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: ours }));
  });

  test('takes the samples', async () => {
    for (const name of ['everything', 'several-servers'])
      await dryRun(page(`manifests/samples/${name}.yaml`));
  });
});

describe('a namespace that demands the proxy', { skip: noCluster, timeout: 120_000 }, () => {
  const policy = installObjects('x').filter(({ metadata }) => metadata?.name === 'kubectl-mcp-require');
  const spec = {
    containers: [
      {
        name: 'server',
        image: PAUSE_IMAGE,
        ports: [{ containerPort: 3001 }],
      },
    ],
  };
  const create = (annotations: Record<string, string>): Promise<string> => {
    const named = Object.entries(annotations).map(([key, value]) => [`${PREFIX}${key}`, value]);
    const metadata = { name: 'server', annotations: Object.fromEntries(named) };
    return kubectl(['-n', NAMESPACE, 'create', '--dry-run=server', '-o', 'name', '-f', '-'], {
      input: JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata, spec }),
    });
  };

  before(async () => {
    const flags = ['--server-side', '--force-conflicts', '--field-manager=kubectl-mcp-install'];
    await kubectl(['apply', ...flags, '-f', '-'], {
      input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: policy }),
    });
    await createNamespace(NAMESPACE);
    await label('true');
    // The API server learns of policies and labels in its own time.
    for (let tries = 0; tries < 60 && (await create({}).catch(() => undefined)); tries += 1) await sleep(500);
  });
  after(() => removeNamespace(NAMESPACE));

  test('lets annotated pods in', async () => {
    assert.equal(await create({ inject: 'true' }), 'pod/server\n');
  });
  test('refuses a pod that forgot the annotation, or says no', async () => {
    for (const annotations of [{}, { inject: 'false' }] as Record<string, string>[])
      await assert.rejects(
        create(annotations),
        /is labelled kubectl-mcp\.dev\/require: the pod template needs the annotation kubectl-mcp\.dev\/inject: "true"/,
      );
  });
  test('refuses an auth that it does not allow', async () => {
    await assert.rejects(
      create({ inject: 'true', auth: 'none' }),
      new RegExp(
        `kubectl-mcp\\.dev/auth: none is not allowed in namespace ${NAMESPACE}, but kubernetes, oidc, token, mtls`,
      ),
    );
  });
  test('says itself what it allows', async () => {
    await kubectl(['annotate', 'namespace', NAMESPACE, `${PREFIX}require-auth=token, none`]);
    for (let tries = 0; tries < 60 && (await create({ inject: 'true' }).catch(() => undefined)); tries += 1)
      await sleep(500);
    await assert.rejects(create({ inject: 'true' }), /auth: kubernetes is not allowed/);
    assert.equal(await create({ inject: 'true', auth: 'none' }), 'pod/server\n');
    const both = { inject: 'true', auth: 'kubernetes,token', 'token-secret': 'callers' };
    await assert.rejects(create(both), /auth: kubernetes is not allowed/);
  });
  test('asks each of several servers, and what is said for all where one says nothing', async () => {
    const token = { 'a.port': '3001', 'a.auth': 'token', 'a.token-secret': 'callers' };
    assert.equal(await create({ inject: 'true', ...token }), 'pod/server\n');
    const two = { inject: 'true', ...token, 'b.port': '3002', 'b.listen-port': '7412' };
    await assert.rejects(create(two), /auth: kubernetes is not allowed/);
    await assert.rejects(create({ ...two, 'b.auth': 'kubernetes' }), /auth: kubernetes is not allowed/);
    assert.equal(await create({ ...two, auth: 'none' }), 'pod/server\n');
  });
  test('demands nothing when its label says false', async () => {
    await label('false');
    let seen: unknown;
    for (let tries = 0; tries < 60; tries += 1) {
      seen = await create({}).catch((error: unknown) => error);
      if (seen === 'pod/server\n') break;
      await sleep(500);
    }
    assert.equal(seen, 'pod/server\n');
  });
});
