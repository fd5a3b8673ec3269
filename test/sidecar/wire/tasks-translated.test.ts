/** Tasks between the eras: the extension of 2026-07-28 on one side, those of 2025-11-25 on the other. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { CallToolResultSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { freePorts } from '../../conformance/ports.ts';
import { createTaskServer } from '../../conformance/reference/task-server.ts';
import { startEverythingServer, type RunningServer } from './everything-server.ts';
import { startSidecar, untilHealth, type TestSidecar } from './start-sidecar.ts';
import {
  EXTENSION,
  legacyTaskClient,
  listenToTasks,
  taskClient,
  type Json,
  type TaskClient,
} from './task-client.ts';
import { waitFor } from './wait-for.ts';

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

  test('promises to tell of no task, and refuses who does not know them', async () => {
    const listening = await listenToTasks(sidecar.url, ['t'], {});
    const [acknowledged] = await waitFor('the answer', () => listening.messages[0] && listening.messages);
    listening.close();
    assert.deepEqual(acknowledged.params.notifications, {});
    const notifications = { taskIds: ['t'] };
    const { last } = await client.send('subscriptions/listen', { notifications }, { capabilities: {} });
    assert.equal(last.error.code, -32021);
  });

  test('makes no task of a tool that cannot be one, whatever the call says', async () => {
    const params = { name: 'echo', arguments: { message: 'ü' }, task: { ttl: 1 } };
    const { result } = (await client.send('tools/call', params)).last;
    assert.equal(result.resultType, 'complete');
    assert.equal(result.content[0].text, 'Echo: ü');
  });
});

describe('a server of 2026-07-28 with the extension, for clients of 2025-11-25', () => {
  const server = createTaskServer();
  const asked: Json[] = [];
  let sidecar: TestSidecar;
  let client: Client;
  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    sidecar = await startSidecar({ upstreamPort: port, filter: { denyTools: ['no-such-tool'] } });
    await untilHealth(sidecar, 'healthy');
    client = new Client({ name: 'legacy', version: '1' }, { capabilities: { elicitation: {}, tasks: {} } });
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
      asked.push(params);
      return { action: 'accept' as const, content: { confirm: true, name: `(${params.message})` } };
    });
    await client.connect(new StreamableHTTPClientTransport(new URL(sidecar.url)) as Transport);
    // The SDK learns here which tools may be tasks.
    await client.listTools();
  });
  after(async () => {
    await client?.close();
    await sidecar?.stop();
    server.closeAllConnections();
    server.close();
  });

  async function run(name: string, args: Record<string, unknown> = {}): Promise<Json[]> {
    asked.length = 0;
    const told: Json[] = [];
    const stream = client.experimental.tasks.callToolStream({ name, arguments: args }, CallToolResultSchema, {
      task: { ttl: 60_000 },
    });
    for await (const each of stream) told.push(each);
    return told;
  }

  test('has tasks, and no list of them', async () => {
    assert.deepEqual(client.getServerCapabilities()?.tasks, {
      cancel: {},
      requests: { tools: { call: {} } },
    });
    const raw = await legacyTaskClient(sidecar.url);
    assert.equal((await raw.send('tasks/list')).error.code, -32601);
  });

  test('makes a task, and gives its result when it is over', async () => {
    const told = await run('slow_compute', { seconds: 0.3, label: 'ü' });
    const { taskId, status, ttl, pollInterval, ttlMs } = told[0].task;
    assert.deepEqual(
      [told[0].type, status, ttl, pollInterval, ttlMs],
      ['taskCreated', 'working', 300_000, 100, undefined],
    );
    assert.deepEqual(told.at(-1), {
      type: 'result',
      result: {
        content: [{ type: 'text', text: 'computed ü' }],
        _meta: { 'io.modelcontextprotocol/related-task': { taskId } },
      },
    });
  });

  test('asks its client within the task, which says so, and with several questions at once', async () => {
    const one = await run('confirm_delete', { filename: 'f' });
    assert.equal(one.at(-1).result.content[0].text, 'deleted f');
    const { taskId } = one[0].task;
    assert.deepEqual(asked[0]['_meta'], { 'io.modelcontextprotocol/related-task': { taskId } });
    const two = await run('multi_input');
    assert.equal(two.at(-1).result.content[0].text, '(One?) and (Two?)');
    assert.equal(asked.length, 2);
  });

  test('asks before there is a task, too', async () => {
    const told = await run('test_tool_with_task');
    assert.equal(told.at(-1).result.content[0].text, 'Hello, (What is your name?)!');
  });

  test('fails a task whose tool has failed, and one that came to an error', async () => {
    const raw = await legacyTaskClient(sidecar.url);
    const made = async (name: string): Promise<string> =>
      (await raw.send('tools/call', { name, arguments: {}, task: {} })).result.task.taskId;
    const job = await made('failing_job');
    assert.equal((await raw.send('tasks/result', { taskId: job })).result.isError, true);
    assert.equal((await raw.send('tasks/get', { taskId: job })).result.status, 'failed');
    const panic = await made('protocol_error_job');
    assert.deepEqual((await raw.send('tasks/result', { taskId: panic })).error, {
      code: -32603,
      message: 'panic',
    });
  });

  test('makes a finished task of a result that is there at once', async () => {
    const told = await run('greet', { name: 'Ada' });
    assert.deepEqual([told[0].type, told[0].task.status], ['taskCreated', 'completed']);
    assert.equal(told.at(-1).result.content[0].text, 'Hello, Ada!');
  });

  test('cancels a task, and refuses to cancel one that is over', async () => {
    const raw = await legacyTaskClient(sidecar.url);
    const params = { name: 'slow_compute', arguments: { seconds: 60, label: 'x' }, task: {} };
    const { taskId } = (await raw.send('tools/call', params)).result.task;
    const waiting = raw.send('tasks/result', { taskId });
    assert.equal((await raw.send('tasks/cancel', { taskId })).result.status, 'cancelled');
    assert.equal((await waiting).error.code, -32603);
    assert.equal((await raw.send('tasks/cancel', { taskId })).error.code, -32602);
  });

  test('does what it does without tasks for a call that wants none', async () => {
    const params = { name: 'slow_compute', arguments: { seconds: 0, label: 'now' } };
    assert.deepEqual((await client.callTool(params)).content, [{ type: 'text', text: 'computed now' }]);
    await assert.rejects(client.callTool({ name: 'failing_job', arguments: {} }), { code: -32021 });
  });
});
