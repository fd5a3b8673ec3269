/** A server of stdio in `restricted`, from an image without a shell: 16 clients at once, each with a state of its own. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { STDIO_ENTRIES } from '../images/recipes.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { namespaceName, removeNamespace } from './namespace.ts';
import { PRINCIPALS, structured, withClients } from './stdio-clients.ts';
import { annotations, apply, createRestricted, deployment, INJECTED } from './stdio-workload.ts';

const NAMESPACE = namespaceName('test-stdio');

const THINKING = {
  name: 'thinking',
  image: 'stdio',
  command: ['/usr/bin/node', `/app/${STDIO_ENTRIES.thinking}`],
  annotations: { ...INJECTED, ...annotations({ 'max-stdio-processes': '24' }) },
};

describe('a server of stdio on a cluster', { skip: noCluster, timeout: 240_000 }, () => {
  before(async () => {
    await createRestricted(NAMESPACE, PRINCIPALS);
    await apply(deployment(NAMESPACE, THINKING));
    await kubectl(['-n', NAMESPACE, 'rollout', 'status', 'deployment/thinking', '--timeout=120s']);
  });
  after(() => removeNamespace(NAMESPACE));

  test('each of 16 clients of 8 principals and both eras thinks its own thoughts', async () => {
    await withClients(NAMESPACE, 'thinking', async (client, at) => {
      // Different for each, so that a thought that went elsewhere is seen in both places.
      const thoughts = 3 + at;
      for (let thought = 1; thought <= thoughts; thought++) {
        const said = await client.call('sequentialthinking', {
          thought: `${client.name} thinks ${thought}`,
          nextThoughtNeeded: true,
          thoughtNumber: thought,
          totalThoughts: thoughts,
          ...(thought === 2 ? { branchFromThought: 1, branchId: client.name } : {}),
        });
        const { thoughtHistoryLength, branches } = structured(said);
        assert.deepEqual(
          [thoughtHistoryLength, branches],
          [thought, thought < 2 ? [] : [client.name]],
          client.name,
        );
      }
    });
  });
});
