import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { writeAsKubelet } from '../mounted/write-volume.ts';
import { freePorts } from '../../conformance/ports.ts';
import { createTaskServer } from '../../conformance/reference/task-server.ts';
import { startEverythingServer } from './everything-server.ts';
import { as, stops, tokens } from './proxied.ts';
import { startSidecar, untilHealth, type SidecarOptions, type TestSidecar } from './start-sidecar.ts';
import { EXTENSION, legacyTaskClient, listenToTasks, taskClient } from './task-client.ts';
import { waitFor } from './wait-for.ts';

const UNKNOWN = { code: -32602, message: 'Task not found' };

async function before(port: number, options: Partial<SidecarOptions> = {}): Promise<TestSidecar> {
  const sidecar = await startSidecar({ upstreamPort: port, auth: tokens()!, ...options });
  stops.push(sidecar.stop);
  await untilHealth(sidecar, 'healthy');
  return sidecar;
}

async function taskServer(): Promise<number> {
  const server = createTaskServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

describe('a task of 2026-07-28', () => {
  test('is its owner’s alone: to another caller it does not exist, whatever is asked of it', async () => {
    const port = await taskServer();
    const sidecar = await before(port);
    const [alice, bob] = [taskClient(sidecar.url, as('alice')), taskClient(sidecar.url, as('bob'))];
    const { taskId, resultType } = await alice.call('confirm_delete', { filename: 'a' });
    assert.equal(resultType, 'task');
    const own = await alice.until(taskId, 'input_required');
    assert.equal(own.taskId, taskId);
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      const foreign = await bob.send(method, { taskId, inputResponses: {} });
      const none = await bob.send(method, { taskId: 'no-such-task', inputResponses: {} });
      assert.deepEqual(foreign.last.error, UNKNOWN, method);
      assert.equal(foreign.body, none.body);
    }
    const inputResponses = { confirm: { action: 'accept', content: { confirm: true } } };
    assert.deepEqual((await alice.send('tasks/update', { taskId, inputResponses })).last.result, {
      resultType: 'complete',
    });
    const { result } = await alice.until(taskId, 'completed');
    assert.deepEqual(result.content, [{ type: 'text', text: 'deleted a' }]);
  });

  test('is not to be had by the server’s own id of it', async () => {
    const port = await taskServer();
    const sidecar = await before(port);
    const direct = taskClient(`http://127.0.0.1:${port}/mcp`);
    const { taskId } = await direct.call('confirm_delete', { filename: 'a' });
    const { last } = await taskClient(sidecar.url, as('alice')).send('tasks/get', { taskId });
    assert.deepEqual(last.error, UNKNOWN);
  });

  test('is asked for in the words of the server where the client does not know tasks', async () => {
    const port = await taskServer();
    const sidecar = await before(port);
    const alice = taskClient(sidecar.url, as('alice'));
    const { taskId } = await alice.call('confirm_delete', { filename: 'a' });
    const undeclared = await alice.send('tasks/get', { taskId }, { capabilities: {} });
    assert.equal(undeclared.last.error.code, -32021);
    assert.ok(undeclared.last.error.data.requiredCapabilities.extensions[EXTENSION]);
    assert.equal((await alice.send('tasks/result', { taskId })).last.error.code, -32601);
  });

  test('does not exist while its tool is not allowed', async () => {
    const port = await taskServer();
    const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-tasks-'));
    stops.push(() => rmSync(directory, { recursive: true }));
    const write = (deny: string): void =>
      writeAsKubelet(directory, { 'policy.yaml': `version: 1\ntools: { deny: [${deny}] }\n` });
    write('greet');
    const sidecar = await before(port, { policy: { source: 'configmap/mcp-policy', directory } });
    const alice = taskClient(sidecar.url, as('alice'));
    const { taskId } = await alice.call('confirm_delete', { filename: 'a' });
    await alice.until(taskId, 'input_required');
    write('confirm_delete');
    await waitFor('the policy', async () => (await alice.get(taskId)).error !== undefined);
    assert.deepEqual((await alice.get(taskId)).error, UNKNOWN);
    await sidecar.settled();
    const record = sidecar.audit.findLast(({ target }) => target.method === 'tasks/get');
    assert.equal(record.outcome, 'denied');
    assert.equal(record.metadata.extra.rule, 'policy/tools.deny');
    assert.equal(record.metadata.extra.tool, 'confirm_delete');
  });

  test('is told of to those who listen and own it, under the id that they know', async () => {
    const port = await taskServer();
    const sidecar = await before(port);
    const [alice, bob] = [taskClient(sidecar.url, as('alice')), taskClient(sidecar.url, as('bob'))];
    const { taskId } = await alice.call('confirm_delete', { filename: 'a' });
    await alice.until(taskId, 'input_required');
    const listen = (name: string) => listenToTasks(sidecar.url, [taskId], as(name));
    const [hers, his] = [await listen('alice'), await listen('bob')];
    stops.push(hers.close, his.close);
    await waitFor('both acknowledgements', () => hers.messages.length > 0 && his.messages.length > 0);
    assert.deepEqual(hers.messages[0].params.notifications, { taskIds: [taskId] });
    assert.deepEqual(his.messages[0].params.notifications.taskIds ?? [], []);
    await alice.send('tasks/cancel', { taskId });
    const told = await waitFor('the notification', () => hers.messages[1]);
    assert.equal(told.method, 'notifications/tasks');
    assert.equal(told.params.taskId, taskId);
    assert.equal(told.params.status, 'cancelled');
    assert.equal(his.messages.length, 1);
    assert.equal((await bob.get(taskId)).error.code, -32602);
  });

  test('has the same digest in every line of the audit, and the tool that made it', async () => {
    const port = await taskServer();
    const sidecar = await before(port);
    const alice = taskClient(sidecar.url, as('alice'));
    const { taskId } = await alice.call('failing_job');
    await alice.until(taskId, 'completed');
    await sidecar.settled();
    const made = sidecar.audit.find(({ target }) => target.method === 'tools/call');
    const got = sidecar.audit.find(({ target }) => target.method === 'tasks/get');
    assert.match(made.metadata.extra.task, /^[\w-]{16}$/);
    assert.equal(got.target.name, made.metadata.extra.task);
    assert.equal(got.metadata.extra.tool, 'failing_job');
    assert.equal(got.type, 'mcp_task_get');
    assert.ok(!JSON.stringify(sidecar.audit).includes(taskId));
  });

  test('keeps the server’s own bytes where callers cannot be told apart and no tool is denied', async () => {
    const port = await taskServer();
    const sidecar = await before(port, { auth: { mode: 'none' } });
    const { taskId } = await taskClient(sidecar.url).call('failing_job');
    assert.match(taskId, /^[0-9a-f-]{36}$/);
  });
});

describe('a task of 2025-11-25', () => {
  test('is its owner’s alone, in its owner’s session and in any other', async () => {
    const [port] = (await freePorts(1)) as [number];
    const everything = await startEverythingServer(port);
    stops.push(() => everything.kill());
    const sidecar = await before(port);
    const alice = await legacyTaskClient(sidecar.url, as('alice'));
    const bob = await legacyTaskClient(sidecar.url, as('bob'));
    const params = { name: 'simulate-research-query', arguments: { topic: 'x' }, task: { ttl: 60_000 } };
    const { taskId } = (await alice.send('tools/call', params)).result.task;
    assert.equal((await alice.send('tasks/get', { taskId })).result.taskId, taskId);
    for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel'])
      assert.deepEqual((await bob.send(method, { taskId })).error, UNKNOWN, method);
    const listed = async (client: typeof alice): Promise<string[]> =>
      (await client.send('tasks/list')).result.tasks.map((each: { taskId: string }) => each.taskId);
    assert.deepEqual(await listed(alice), [taskId]);
    assert.deepEqual(await listed(bob), []);
    assert.equal((await alice.send('tasks/cancel', { taskId })).result.status, 'cancelled');
  });
});
