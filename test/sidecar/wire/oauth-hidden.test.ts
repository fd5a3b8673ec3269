/** A word on scopes shows a tool: it is said only where nothing else denies it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { definitionOf } from '../../../sidecar/pins/definition.ts';
import { createTaskServer } from '../../conformance/reference/task-server.ts';
import { writeAsKubelet } from '../mounted/write-volume.ts';
import { postModern } from './modern-meta.ts';
import { initialize, post } from './post.ts';
import { POLICY, startOAuth } from './oauth-world.ts';
import { stops } from './proxied.ts';
import { tool } from './scripted-server.ts';
import { taskClient } from './task-client.ts';
import { waitFor } from './wait-for.ts';

function pinsOf(tools: readonly object[]) {
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-oauth-pins-'));
  stops.push(() => rmSync(directory, { recursive: true }));
  const pinned = tools.map((each) => {
    const { name, ...pin } = definitionOf(each)!;
    return [name, pin];
  });
  writeAsKubelet(directory, {
    'pins.json': JSON.stringify({ version: 1, image: 'weather:1', tools: Object.fromEntries(pinned) }),
  });
  return { source: 'configmap/weather-mcp-pins', directory };
}

async function startPinned(admin: object, policy = POLICY) {
  const edge = { image: 'weather:1', pins: pinsOf([tool('open'), tool('hidden'), admin]) };
  const { provider, sidecar, resource } = await startOAuth({ policy, edge });
  const token = await provider.token({ resource, scope: 'mcp:tools' });
  const headers = { authorization: `Bearer ${token}` };
  const listed = async () => {
    const { last } = await postModern(sidecar.url, 'tools/list', {}, { headers });
    return (last.result?.tools as { name: string }[] | undefined)?.map(({ name }) => name).join();
  };
  const called = async (name: string) => {
    const { status, body } = await postModern(
      sidecar.url,
      'tools/call',
      { name, arguments: {} },
      { headers },
    );
    return [status, body.replaceAll(name, 'NAME')];
  };
  return { listed, called };
}

describe('a visible tool', () => {
  test('that is as it is pinned is listed, and its scopes are told', async () => {
    const { listed, called } = await startPinned(tool('admin'));
    await waitFor('the list', async () => (await listed()) === 'open,admin');
    assert.equal((await called('admin'))[0], 403);
  });

  test('that is another than it was pinned as is unknown, whatever the token', async () => {
    const { listed, called } = await startPinned({ ...tool('admin'), description: 'Does no harm' });
    await waitFor('the list', async () => (await listed()) === 'open');
    assert.deepEqual(await called('admin'), await called('absent'));
  });

  test('that has another name for callers is asked for by that', async () => {
    const policy = `${POLICY}
  overrides: [{tool: admin, name: manage}]`;
    const { listed, called } = await startPinned(tool('admin'), policy);
    await waitFor('the list', async () => (await listed()) === 'open,manage');
    assert.equal((await called('manage'))[0], 403);
    assert.deepEqual(await called('admin'), await called('absent'));
  });
});

describe('a task', () => {
  test('of a tool that takes a scope is none for a token without it, its own caller’s too', async () => {
    const upstream = createTaskServer().listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    stops.push(() => {
      upstream.closeAllConnections();
      upstream.close();
    });
    const { provider, sidecar, resource } = await startOAuth({
      upstreamPort: (upstream.address() as AddressInfo).port,
      policy: `version: 1
tools: {scopes: [{tools: [confirm_delete], scopes: [mcp:admin], visible: true}]}`,
    });
    const clientWith = async (scope: string) =>
      taskClient(sidecar.url, { authorization: `Bearer ${await provider.token({ resource, scope })}` });
    const [more, less] = await Promise.all([clientWith('mcp:tools mcp:admin'), clientWith('mcp:tools')]);
    const { taskId } = await more.call('confirm_delete', { filename: 'a' });
    await more.until(taskId, 'input_required');
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      const { last } = await less.send(method, { taskId, inputResponses: {} });
      assert.deepEqual(last.error, { code: -32602, message: 'Task not found' }, method);
    }
    assert.equal((await more.get(taskId)).result.status, 'input_required');
  });
});

const name = fc.constantFrom('open', 'admin', 'hidden', 'absent');
const request = fc.oneof(
  fc.constant(['tools/list', {}] as const),
  name.map((each) => ['tools/call', { name: each, arguments: {} }] as const),
  fc.tuple(name, fc.integer()).map(([each, a]) => ['tools/call', { name: each, arguments: { a } }] as const),
);

for (const era of ['legacy', 'modern'] as const) {
  describe(`a tool whose scopes a caller lacks, hidden, era ${era},`, () => {
    test('is told by no sequence of requests, beside one that is visible', async () => {
      const worlds = await Promise.all(
        [
          ['open', 'admin', 'hidden'],
          ['open', 'admin'],
        ].map(async (names) => {
          const world = await startOAuth({ era, names, publicUrl: () => 'https://a.example.com/mcp' });
          const token = await world.provider.token({ resource: world.resource, scope: 'mcp:tools' });
          const own = { authorization: `Bearer ${token}` };
          const session: Record<string, string> =
            era === 'legacy' ? { 'mcp-session-id': await initialize(world.sidecar.url, own) } : {};
          return { url: world.sidecar.url, headers: { ...own, ...session } };
        }),
      );
      const ask = async (method: string, params: Record<string, unknown>) =>
        Promise.all(
          worlds.map(async ({ url, headers: own }) => {
            const { status, headers, body } =
              era === 'modern'
                ? await postModern(url, method, params, { headers: own })
                : await post(url, { jsonrpc: '2.0', id: 1, method, params }, own);
            return [status, headers.get('www-authenticate'), body] as const;
          }),
        );
      const [[, challenge]] = (await ask('tools/call', { name: 'admin', arguments: {} })) as [
        readonly [number, string | null, string],
      ];
      assert.match(challenge!, /scope="mcp:tools mcp:admin"/);
      await fc.assert(
        fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 8 }), async (requests) => {
          for (const [method, params] of requests) {
            const [having, lacking] = await ask(method, params);
            assert.deepEqual(having, lacking);
          }
        }),
        { numRuns: 15 },
      );
    });
  });
}
