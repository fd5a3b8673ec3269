import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ToolListChangedNotificationSchema,
  type ClientCapabilities,
} from '@modelcontextprotocol/sdk/types.js';
import { createReferenceServer } from '../../conformance/reference/server.ts';
import { call, initialize, post } from './post.ts';
import { as, stops, tokens } from './proxied.ts';
import { startSidecar, untilHealth, type TestSidecar } from './start-sidecar.ts';
import { waitFor } from './wait-for.ts';

const server = createReferenceServer({ eras: 'modern' });
let sidecar: TestSidecar;
let removeTokens: (typeof stops)[number] | undefined;

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const auth = tokens()!;
  [removeTokens] = stops.splice(0);
  sidecar = await startSidecar({ upstreamPort: port, auth, filter: { denyTools: ['test_image_content'] } });
  assert.equal((await untilHealth(sidecar, 'healthy')).servers[0].era, 'modern');
});
after(async () => {
  await sidecar?.stop();
  server.closeAllConnections();
  server.close();
  await removeTokens?.();
});

async function connected(capabilities: ClientCapabilities = {}): Promise<Client> {
  const client = new Client({ name: 'legacy', version: '1' }, { capabilities });
  const requestInit = { headers: as('alice') };
  await client.connect(new StreamableHTTPClientTransport(new URL(sidecar.url), { requestInit }) as Transport);
  return client;
}
const text = (result: unknown): string => JSON.stringify(result);

describe('a client of the era of sessions and a server that knows 2026-07-28 alone', () => {
  test('has a session, tools without the denied one, prompts, resources, and the names of its own era', async () => {
    const client = await connected();
    assert.equal(client.getServerVersion()?.name, 'reference');
    await client.ping();
    const { tools, ...rest } = await client.listTools();
    assert.ok(tools.some(({ name }) => name === 'test_simple_text'));
    assert.ok(!tools.some(({ name }) => name === 'test_image_content'));
    assert.deepEqual(Object.keys(rest), []);
    assert.ok((await client.listPrompts()).prompts.length > 0);
    assert.ok((await client.listResources()).resources.length > 0);
    assert.match(
      text(await client.callTool({ name: 'test_simple_text', arguments: {} })),
      /simple text response/,
    );
    await assert.rejects(client.callTool({ name: 'test_image_content', arguments: {} }), { code: -32602 });
    await assert.rejects(client.readResource({ uri: 'nope://nothing' }), { code: -32002 });
    await client.close();
  });

  test('gets progress, and log messages once it has set a level', async () => {
    const client = await connected();
    const logged: unknown[] = [];
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void logged.push(params));
    await client.callTool({ name: 'test_tool_with_logging', arguments: {} });
    assert.deepEqual(logged, []);
    await client.setLoggingLevel('debug');
    await client.callTool({ name: 'test_tool_with_logging', arguments: {} });
    assert.equal(logged.length, 3);
    const seen: number[] = [];
    await client.callTool({ name: 'test_tool_with_progress', arguments: {} }, undefined, {
      onprogress: ({ progress }) => void seen.push(progress),
    });
    assert.ok(seen.length > 1);
    await client.close();
  });

  test('is asked on its call’s stream what the server wants to know', async () => {
    const client = await connected({ elicitation: {}, sampling: {}, roots: {} });
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => ({
      action: 'accept' as const,
      content: { username: params.message, email: 'a@b', name: 'Ada' },
    }));
    client.setRequestHandler(CreateMessageRequestSchema, () => ({
      role: 'assistant' as const,
      content: { type: 'text' as const, text: 'Paris' },
      model: 'm',
    }));
    client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///here' }] }));
    const elicited = await client.callTool({ name: 'test_elicitation', arguments: { message: 'who?' } });
    assert.match(text(elicited), /who\?/);
    const sampled = await client.callTool({ name: 'test_sampling', arguments: { prompt: 'capital?' } });
    assert.match(text(sampled), /Paris/);
    const rooted = await client.callTool({ name: 'test_input_required_result_list_roots', arguments: {} });
    assert.match(text(rooted), /file:\/\/\/here/);
    await client.close();
  });

  test('that refuses to be asked gets an error that says so', async () => {
    const client = await connected({ sampling: {} });
    client.setRequestHandler(CreateMessageRequestSchema, () => Promise.reject(new Error('not today')));
    await assert.rejects(
      client.callTool({ name: 'test_sampling', arguments: { prompt: 'x' } }),
      /which refused: not today/,
    );
    await client.close();
  });

  test('is told of changes on its GET stream', async () => {
    const client = await connected();
    let changes = 0;
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => void changes++);
    await waitFor('a change', async () => {
      await client.callTool({ name: 'test_trigger_tool_change', arguments: {} });
      return changes;
    });
    await client.close();
  });

  test('has its session for itself, until it ends it', async () => {
    const id = await initialize(sidecar.url, as('alice'));
    const session = { 'mcp-session-id': id };
    assert.equal(
      (await post(sidecar.url, call('test_simple_text'), { ...as('alice'), ...session })).status,
      200,
    );
    assert.equal(
      (await post(sidecar.url, call('test_simple_text'), { ...as('bob'), ...session })).status,
      404,
    );
    const ended = await fetch(sidecar.url, { method: 'DELETE', headers: { ...as('alice'), ...session } });
    assert.equal(ended.status, 200);
    assert.equal(
      (await post(sidecar.url, call('test_simple_text'), { ...as('alice'), ...session })).status,
      404,
    );
  });

  test('cancels a call, which ends at the server too', async () => {
    const client = await connected();
    const abort = new AbortController();
    const running = client.callTool({ name: 'test_tool_with_progress', arguments: {} }, undefined, {
      signal: abort.signal,
      onprogress: () => abort.abort('enough'),
    });
    await assert.rejects(running, /enough/);
    await client.ping();
    await client.close();
  });
});
