/** The servers of stdio that people use, unmodified, and what restarts, rollouts and rude clients leave of their sessions. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { STDIO_ENTRIES } from '../images/recipes.ts';
import { waitFor } from '../sidecar/wire/wait-for.ts';
import { Unopened, WAYS } from '../stdio/rude-ways.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';
import { connect, PRINCIPALS, structured, withClients, type StdioClient } from './stdio-clients.ts';
import { containerOf, inside, killContainer, podOf, type Inside } from './stdio-containers.ts';
import {
  annotations,
  apply,
  createRestricted,
  deployment,
  INJECTED,
  podUrl,
  tokenOf,
  type StdioWorkload,
} from './stdio-workload.ts';

const NAMESPACE = namespaceName('test-stdio-servers');
const node = (entry: string, ...args: string[]): string[] => ['/usr/bin/node', `/app/${entry}`, ...args];
const python = (...args: string[]): string[] => ['/usr/bin/python3', '-m', ...args];
const inNamespace = (...args: string[]) => kubectl(['-n', NAMESPACE, ...args]);

const COMMIT = `import git
repository = git.Repo.init('/data/repository')
repository.config_writer().set_value('user', 'name', 'Ada').set_value('user', 'email', 'ada@example.com').release()
repository.index.commit('the first one')`;

interface Tried extends StdioWorkload {
  readonly tool: string;
  readonly arguments: (url: string) => Record<string, unknown>;
  readonly says: RegExp;
}

const SERVERS: readonly Tried[] = [
  {
    name: 'everything',
    image: 'everything',
    command: node(STDIO_ENTRIES.everything, 'stdio'),
    tool: 'echo',
    arguments: () => ({ message: 'hi' }),
    says: /Echo: hi/,
  },
  {
    name: 'filesystem',
    image: 'stdio',
    command: node(STDIO_ENTRIES.filesystem, '/data'),
    writes: '/data',
    tool: 'write_file',
    arguments: () => ({ path: '/data/note', content: 'hi' }),
    says: /Successfully wrote/,
  },
  {
    name: 'time',
    image: 'stdio-python',
    command: python('mcp_server_time'),
    tool: 'get_current_time',
    arguments: () => ({ timezone: 'Europe/Berlin' }),
    says: /Europe\/Berlin/,
  },
  {
    name: 'git',
    image: 'stdio-python',
    command: python('mcp_server_git'),
    args: ['--repository', '$(REPOSITORY)'],
    env: { REPOSITORY: '/data/repository' },
    writes: '/data',
    prepare: COMMIT,
    tool: 'git_log',
    arguments: () => ({ repo_path: '/data/repository' }),
    says: /the first one/,
  },
  {
    name: 'fetch',
    image: 'stdio-python',
    command: python('mcp_server_fetch', '--ignore-robots-txt', '--allow-private-ips'),
    tool: 'fetch',
    arguments: (url) => ({ url: url.replace(/\/mcp$/, '/health') }),
    says: /Contents of http.*status/,
  },
  {
    name: 'kubernetes',
    image: 'stdio-kubernetes',
    command: node(STDIO_ENTRIES.kubernetes),
    // Nothing listens there.
    env: { K8S_SERVER: 'http://127.0.0.1:9', K8S_TOKEN: 'none' },
    tool: 'ping',
    arguments: () => ({}),
    says: /content/,
  },
];

const MEMORY: StdioWorkload = {
  name: 'memory',
  image: 'stdio',
  command: node(STDIO_ENTRIES.memory),
  annotations: {
    ...INJECTED,
    ...annotations({
      'max-stdio-processes': '24',
      'stdio-env': 'MEMORY_FILE_PATH={session-dir}/memory.jsonl',
    }),
  },
};

const THINKING: StdioWorkload = {
  name: 'thinking',
  image: 'stdio',
  command: node(STDIO_ENTRIES.thinking),
  annotations: annotations({ 'stdio-idle-seconds': '2', 'max-stdio-processes': '40' }),
};

describe('servers of stdio that are not ours', { skip: noCluster, timeout: 900_000 }, () => {
  before(async () => {
    await createRestricted(NAMESPACE, ['caller', ...PRINCIPALS]);
    const items = SERVERS.map((each) => deployment(NAMESPACE, { ...each, annotations: INJECTED }));
    await apply({ apiVersion: 'v1', kind: 'List', items });
    await apply(
      deployment(NAMESPACE, { ...THINKING, annotations: { ...INJECTED, ...THINKING.annotations } }),
    );
    await apply(deployment(NAMESPACE, MEMORY));
    for (const { name } of [...SERVERS, MEMORY, THINKING])
      await inNamespace('rollout', 'status', `deployment/${name}`, '--timeout=120s');
  });
  after(() => removeNamespace(NAMESPACE));

  for (const { name, tool, says, ...tried } of SERVERS)
    test(`server ${name} is listed and called by clients of both eras`, async () => {
      const [url, token] = [await podUrl(NAMESPACE, name), await tokenOf(NAMESPACE, 'caller', name)];
      for (const era of ['legacy', 'modern'] as const) {
        const client = await connect(era, url, token, `${era}-client`);
        assert.ok((await client.tools()).includes(tool), era);
        assert.match(await client.call(tool, tried.arguments(url)), says, era);
        await client.close();
      }
    });

  test('each of 16 clients remembers what it was told, in a file of its own', async () => {
    await withClients(NAMESPACE, 'memory', async (client) => {
      const entity = { name: client.name, entityType: 'client', observations: [`of ${client.name}`] };
      await client.call('create_entities', { entities: [entity] });
      const { entities } = structured(await client.call('read_graph', {}));
      assert.deepEqual(
        (entities as { name: string }[]).map(({ name }) => name),
        [client.name],
      );
    });
  });

  test('a server that is restarted begins its sessions anew, and so does a sidecar', async () => {
    for (const container of ['thinking', 'mcp-proxy']) {
      const old = await thinker();
      assert.deepEqual([await think(old), await think(old)], [1, 2]);
      const running = await containerOf(NAMESPACE, 'thinking', container);
      await killContainer(running);
      await waitFor('the container again', async () => {
        const now = await containerOf(NAMESPACE, 'thinking', container);
        return now.restartCount === running.restartCount + 1 && (now as { ready?: boolean }).ready;
      });
      // Its thoughts are gone, and that is not hidden.
      await assert.rejects(think(old));
      const fresh = await waitFor('a session', () => thinker().catch(() => null));
      assert.equal(await think(fresh), 1);
      await fresh.close();
    }
  });

  test('a rollout lets calls end, and the new pod serves', async () => {
    const client = await thinker();
    assert.equal(await think(client), 1);
    await inNamespace('rollout', 'restart', 'deployment/thinking');
    await inNamespace('rollout', 'status', 'deployment/thinking', '--timeout=120s');
    const fresh = await waitFor('a session', () => thinker().catch(() => null));
    assert.equal(await think(fresh), 1);
    await fresh.close();
  });

  test('60 sessions that end rudely leave nothing in the pod', async () => {
    const { hostname: host, port } = new URL(await podUrl(NAMESPACE, 'thinking'));
    const target = { host, port: Number(port), token: await tokenOf(NAMESPACE, 'caller', 'thinking') };
    const state = async (): Promise<Inside[]> => {
      const { containers } = await podOf(NAMESPACE, 'thinking');
      const running = containers.filter(({ name }) => ['thinking', 'mcp-proxy'].includes(name));
      return Promise.all(running.map(inside));
    };
    await WAYS['no DELETE']!(target);
    // Idle ones end after two seconds.
    await sleep(6_000);
    const atFirst = await state();
    for (let turn = 0; turn < 6; turn++)
      await Promise.all(
        Object.values(WAYS).map((way) =>
          way(target).catch((error: unknown) => {
            if (!(error instanceof Unopened)) throw error;
          }),
        ),
      );
    await waitFor(`what was there before, ${JSON.stringify(atFirst)}`, async () => {
      const now = await state();
      return now.every((each, at) =>
        (Object.keys(each) as (keyof Inside)[]).every((key) => each[key] <= atFirst[at]![key]),
      );
    });
  });

  test('disable gives the pod back as it was', async () => {
    // A server whose stdin nobody holds open ends as it starts.
    const plain = { ...THINKING, name: 'plain', annotations: {}, stdin: true } as const;
    await apply(deployment(NAMESPACE, plain));
    await inNamespace('rollout', 'status', 'deployment/plain', '--timeout=120s');
    const specOf = async (): Promise<unknown> =>
      JSON.parse(await inNamespace('get', 'deployment', 'plain', '-o', 'json')).spec;
    const plainSpec = await specOf();
    const enabled = await kubectlMcp('enable', 'deploy/plain', '--transport=stdio', '-n', NAMESPACE);
    assert.equal(enabled.code, 0, enabled.stderr);
    const { containers } = await podOf(NAMESPACE, 'plain');
    assert.ok(containers.some(({ name }) => name === 'mcp-proxy'));
    const disabled = await kubectlMcp('disable', 'deploy/plain', '-n', NAMESPACE);
    assert.equal(disabled.code, 0, disabled.stderr);
    assert.deepEqual(await specOf(), plainSpec);
  });
});

const thinker = async (): Promise<StdioClient> =>
  connect(
    'legacy',
    await podUrl(NAMESPACE, 'thinking'),
    await tokenOf(NAMESPACE, 'caller', 'thinking'),
    'thinker',
  );

/** @returns how many thoughts it has had */
async function think(client: StdioClient): Promise<number> {
  const thought = { thought: 'hm', nextThoughtNeeded: true, thoughtNumber: 1, totalThoughts: 9 };
  const { structuredContent } = JSON.parse(await client.call('sequentialthinking', thought));
  return structuredContent.thoughtHistoryLength;
}
