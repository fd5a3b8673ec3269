/** Tasks between the eras: the extension of 2026-07-28 on one side, those of 2025-11-25 on the other. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { freePorts } from '../../conformance/ports.ts';
import { startEverythingServer, type RunningServer } from './everything-server.ts';
import { startSidecar, untilHealth, type TestSidecar } from './start-sidecar.ts';
import { EXTENSION, taskClient, type TaskClient } from './task-client.ts';

describe('server-everything, which has the tasks of 2025-11-25, for clients of the extension', () => {
  const research = 'simulate-research-query';
  let server: RunningServer;
  let sidecar: TestSidecar;
  let client: TaskClient;
  before(async () => {
    const [port] = (await freePorts(1)) as [number];
    server = await startEverythingServer(port);
    sidecar = await startSidecar({ upstreamPort: port, filter: { denyTools: ['get-env'] } });
    await untilHealth(sidecar, 'healthy');
    client = taskClient(sidecar.url);
  });
  after(async () => {
    await sidecar?.stop();
    await server?.kill();
  });

  test('offers the extension, and not what it has in its place', async () => {
    const { capabilities } = (await client.send('server/discover', {})).last.result;
    assert.deepEqual(capabilities.extensions, { [EXTENSION]: {} });
    assert.equal(capabilities.tasks, undefined);
  });

  test('makes a task of a call, asks its client within it and gives it the result', async () => {
    const made = await client.call(research, { topic: 'python', ambiguous: true });
    const { taskId } = made;
    assert.equal(made.resultType, 'task');
    assert.equal(made.status, 'working');
    assert.equal(made.ttlMs, 300_000);
    assert.equal(made.pollIntervalMs, 1_000);
    assert.deepEqual([made.task, made.ttl, made.pollInterval], [undefined, undefined, undefined]);
    const asking = await client.until(taskId, 'input_required');
    assert.equal(asking.taskId, taskId);
    const [[key, question]] = Object.entries<{ method: string; params: object }>(asking.inputRequests) as [
      [string, { method: string; params: object }],
    ];
    assert.equal(question.method, 'elicitation/create');
    assert.deepEqual(Object.keys(question.params).toSorted(), ['message', 'requestedSchema']);
    const inputResponses = {
      [key]: { action: 'accept', content: { interpretation: 'snake' } },
      'never-asked': { action: 'cancel' },
    };
    const acknowledged = await client.send('tasks/update', { taskId, inputResponses });
    assert.deepEqual(acknowledged.last.result, { resultType: 'complete' });
    const done = await client.until(taskId, 'completed');
    assert.match(done.result.content[0].text, /python \(snake\)/);
    assert.equal(JSON.stringify(done).includes('related-task'), false);
    // What is over is acknowledged all the same, and stays as it is.
    assert.deepEqual((await client.send('tasks/cancel', { taskId })).last.result, { resultType: 'complete' });
    assert.equal((await client.get(taskId)).result.status, 'completed');
  });

  test('ends a task that its client cancels', async () => {
    const { taskId } = await client.call(research, { topic: 'x' });
    assert.deepEqual((await client.send('tasks/cancel', { taskId })).last.result, { resultType: 'complete' });
    assert.equal((await client.get(taskId)).result.status, 'cancelled');
  });

  test('is not asked for a task by a client that does not know them, which is told what it lacks', async () => {
    const { status, last } = await client.send(
      'tools/call',
      { name: research, arguments: { topic: 'x' } },
      { capabilities: {} },
    );
    assert.equal(status, 400);
    assert.equal(last.error.code, -32021);
    assert.deepEqual(last.error.data, { requiredCapabilities: { extensions: { [EXTENSION]: {} } } });
  });

  test('makes no task of a tool that cannot be one, whatever the call says', async () => {
    const params = { name: 'echo', arguments: { message: 'ü' }, task: { ttl: 1 } };
    const { result } = (await client.send('tools/call', params)).last;
    assert.equal(result.resultType, 'complete');
    assert.equal(result.content[0].text, 'Echo: ü');
  });
});
