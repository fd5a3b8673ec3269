import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApiServer } from '../api-server.ts';
import { run } from '../run.ts';

const running = (gitVersion: string) => (path: string) =>
  path.startsWith('/version') ? { code: 200, body: { major: '1', minor: '0', gitVersion } } : undefined;

for (const gitVersion of ['v1.31.14', 'v1.9.0+k3s1'])
  test(`Kubernetes ${gitVersion} is too old, and nothing is applied`, async (t) => {
    const server = await startApiServer(t, running(gitVersion));
    const { code, stdout, stderr } = await run(['install', '-s', server.url]);
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
    assert.match(
      stderr,
      new RegExp(
        `^error: the cluster at ${server.url} runs Kubernetes ${gitVersion.replace('+', '\\+')}, and kubectl-mcp needs 1\\.32 or newer`,
      ),
    );
    assert.deepEqual([...new Set(server.requests.map(({ path }) => path))], ['/version']);
  });

for (const gitVersion of ['v1.32.0', 'v1.33.2-gke.100', 'v2.0.0', 'unknown'])
  test(`Kubernetes ${gitVersion} is let pass`, async (t) => {
    const server = await startApiServer(t, running(gitVersion));
    const { stderr } = await run(['install', '-s', server.url]);
    assert.doesNotMatch(stderr, /or newer/);
    assert.notEqual(server.requests.length, 1);
  });
