import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { KubernetesObject, V1LabelSelector } from '@kubernetes/client-node';
import { selectorMatches } from '../../../plugin/enable/workload.ts';
import { isConfiguration } from '../../../plugin/install/revision.ts';
import { REVISION_LABEL, WEBHOOK_ENTRY } from '../../../webhook/names.ts';
import { run } from '../run.ts';
import { startStatefulApi } from '../stateful-api.ts';

type Configuration = KubernetesObject & { webhooks: { name: string; namespaceSelector: V1LabelSelector }[] };

/** The configurations by which a pod of a namespace with this revision is injected. */
const injecting = (objects: ReadonlyMap<string, KubernetesObject>, revision?: string): string[] =>
  [...objects.values()].filter(isConfiguration).flatMap((each) =>
    (each as Configuration).webhooks
      .filter(({ name }) => name === WEBHOOK_ENTRY)
      .filter(({ namespaceSelector }) =>
        selectorMatches(namespaceSelector, {
          'kubernetes.io/metadata.name': 'web',
          ...(revision !== undefined && { [REVISION_LABEL]: revision }),
        }),
      )
      .map(() => each.metadata!.name!),
  );

const namespace = (revision: string): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'web', labels: { [REVISION_LABEL]: revision } },
});

/** A cluster with the default, in which nobody may ever be without a webhook. */
async function installed(t: TestContext) {
  let isWatching = false;
  const seen: string[] = [];
  const api = await startStatefulApi(t, (objects, write) => {
    if (!isWatching) return;
    for (const revision of [undefined, 'canary', 'next', 'unknown']) {
      const by = injecting(objects, revision);
      if (revision === 'canary') seen.push(`${write}: ${by.join(' ')}`);
      assert.notEqual(by.length, 0, `${revision} after ${write}`);
      if (revision !== 'canary' && revision !== 'next') assert.deepEqual(by, ['kubectl-mcp']);
    }
  });
  const mcp = async (...args: string[]) => run([...args, '-s', api.url]);
  const first = await mcp('install');
  assert.equal(first.code, 0, first.stderr);
  isWatching = true;
  return { ...api, mcp, seen };
}

describe('a revision beside the default', () => {
  test('takes its namespaces over when it is ready, and nobody is without a webhook meanwhile', async (t) => {
    const { mcp, objects, seen } = await installed(t);
    const { code, stdout, stderr } = await mcp('install', '--revision', 'canary', '--image', 'other:2');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /label namespace NAME kubectl-mcp\.dev\/revision=canary, then kubectl mcp restart/);
    assert.match(stdout, /deployment\.apps\/kubectl-mcp-webhook-canary created\n/);
    assert.match(stdout, /\/kubectl-mcp configured\n$/);
    assert.deepEqual(injecting(objects, 'canary'), ['kubectl-mcp-canary']);
    assert.deepEqual(injecting(objects, 'unknown'), ['kubectl-mcp']);
    // Not before it is ready; then both, for a moment.
    const written = 'PATCH mutatingwebhookconfigurations/kubectl-mcp';
    assert.deepEqual(
      seen.filter((each) => each.startsWith(written)),
      [
        `${written}-canary: kubectl-mcp`,
        `${written}-canary: kubectl-mcp kubectl-mcp-canary`,
        `${written}: kubectl-mcp-canary`,
      ],
    );
    assert.match((await mcp('version')).stdout, /\nWebhook Version of Revision canary: 2\n/);
    const again = await mcp('install', '--revision', 'canary', '--image', 'other:3');
    assert.equal(again.code, 0, again.stderr);
    assert.deepEqual(injecting(objects, 'canary'), ['kubectl-mcp-canary']);
  });

  test('stays when the default is brought up to date, and beside another', async (t) => {
    const { mcp, objects } = await installed(t);
    for (const revision of ['canary', 'next']) await mcp('install', '--revision', revision);
    const { code, stderr } = await mcp('install', '--image', 'other:2');
    assert.equal(code, 0, stderr);
    for (const revision of ['canary', 'next']) {
      assert.deepEqual(injecting(objects, revision), [`kubectl-mcp-${revision}`]);
    }
  });

  test('goes when no namespace asks for it, or is the default’s by --yes', async (t) => {
    const { mcp, objects } = await installed(t);
    await mcp('install', '--revision', 'canary');
    await mcp('install', '--revision', 'next');
    objects.set('/api/v1/namespaces/web', namespace('canary'));
    const refused = await mcp('uninstall', '--revision', 'canary');
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /error: namespace web asks for revision canary\n.*kubectl label namespace web kubectl-mcp\.dev\/revision-\), or give --yes/,
    );
    assert.deepEqual(injecting(objects, 'canary'), ['kubectl-mcp-canary']);
    const { code, stdout, stderr } = await mcp('uninstall', '--revision', 'canary', '--yes');
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /Warning: namespace web asks for revision canary: the default webhook injects there/,
    );
    assert.match(stdout, /"kubectl-mcp-webhook-canary" deleted/);
    assert.deepEqual(injecting(objects, 'canary'), ['kubectl-mcp']);
    assert.deepEqual(injecting(objects, 'next'), ['kubectl-mcp-next']);
    assert.deepEqual(
      [...objects.values()].filter(({ metadata }) => metadata?.name?.endsWith('-canary')),
      [],
    );
  });

  test('is not left without the default', async (t) => {
    const { mcp } = await installed(t);
    await mcp('install', '--revision', 'canary');
    const { code, stderr } = await mcp('uninstall', '--yes');
    assert.equal(code, 1);
    assert.match(
      stderr,
      /revision canary would be left without the default\n.*uninstall --revision canary\n/,
    );
  });

  test('needs a default, and time to get ready', async (t) => {
    const api = await startStatefulApi(t);
    const alone = await run(['install', '--revision', 'canary', '-s', api.url]);
    assert.match(alone.stderr, /kubectl-mcp is not installed in this cluster/);
    const hasty = await run(['install', '--revision', 'canary', '--wait=false', '-s', api.url]);
    assert.match(hasty.stderr, /a revision takes namespaces over when it is ready/);
    const wrong = await run(['uninstall', '--revision', 'Canary', '-s', api.url]);
    assert.match(wrong.stderr, /invalid argument "Canary" for "--revision" flag/);
    assert.deepEqual(api.writes, []);
  });

  test('is not put beside a default of Helm, whose release would take its namespaces back', async (t) => {
    const { mcp, objects, writes } = await installed(t);
    const [path, webhook] = [...objects].find(([, each]) => each.kind === 'Deployment')!;
    const annotations = { 'meta.helm.sh/release-name': 'mcp' };
    objects.set(path, { ...webhook, metadata: { ...webhook.metadata, annotations } });
    const before = writes.length;
    const { code, stderr } = await mcp('install', '--revision', 'canary');
    assert.equal(code, 1);
    assert.match(
      stderr,
      /belongs to the Helm release mcp, .*\n.*operator: NotIn \}\), and go on with --force\n$/,
    );
    assert.equal(writes.length, before);
    assert.equal((await mcp('install', '--revision', 'canary', '--force')).code, 0);
  });

  test('is printed for a repository', async () => {
    const { code, stdout } = await run(['install', '--revision', 'canary', '--dry-run=client', '-o', 'yaml']);
    assert.equal(code, 0);
    assert.match(stdout, /key: kubectl-mcp\.dev\/revision\n\s+operator: In\n/);
    assert.doesNotMatch(stdout, /kind: Namespace\n/);
  });
});
