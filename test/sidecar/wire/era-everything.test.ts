import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { ClientCapabilities } from '@modelcontextprotocol/client';
import { freePorts } from '../../conformance/ports.ts';
import { startEverythingServer, type RunningServer } from './everything-server.ts';
import { startSidecar, untilHealth, type TestSidecar } from './start-sidecar.ts';

let server: RunningServer;
let sidecar: TestSidecar;
let client: Client;
const asked: unknown[] = [];

before(async () => {
  const [port] = (await freePorts(1)) as [number];
  server = await startEverythingServer(port);
  sidecar = await startSidecar({ upstreamPort: port, filter: { denyTools: ['get-tiny-image'] } });
  assert.equal((await untilHealth(sidecar, 'healthy')).servers[0].era, 'legacy');
  client = modernClient({ elicitation: { form: {} }, sampling: {} });
  client.setRequestHandler('elicitation/create', (request) => {
    asked.push(request.params);
    return { action: 'accept' as const, content: { name: 'Ada Lovelace', check: true } };
  });
  client.setRequestHandler('sampling/createMessage', (request) => {
    asked.push(request.params);
    return { role: 'assistant' as const, content: { type: 'text' as const, text: 'forty-two' }, model: 'm' };
  });
  await client.connect(new StreamableHTTPClientTransport(new URL(sidecar.url)));
});
after(async () => {
  await client?.close();
  await sidecar?.stop();
  await server?.kill();
});

function modernClient(capabilities: ClientCapabilities): Client {
  const mode = { pin: '2026-07-28' };
  return new Client({ name: 'modern', version: '1' }, { capabilities, versionNegotiation: { mode } });
}

const text = (result: unknown): string => JSON.stringify(result);

describe('a client of 2026-07-28 and server-everything, which knows the era of sessions alone', () => {
  test('sees capabilities, tools without the denied one, prompts, resources and templates', async () => {
    assert.equal(client.getProtocolEra(), 'modern');
    assert.ok(client.getServerCapabilities()?.tools);
    assert.equal(client.getServerVersion()?.name, 'mcp-servers/everything');
    const { tools } = await client.listTools();
    assert.ok(tools.some(({ name }) => name === 'echo'));
    assert.ok(!tools.some(({ name }) => name === 'get-tiny-image'));
    assert.ok((await client.listPrompts()).prompts.length > 0);
    assert.ok((await client.listResources()).resources.length > 0);
    assert.ok((await client.listResourceTemplates()).resourceTemplates.length > 0);
  });

  test('calls tools, gets prompts, reads resources and completes arguments', async () => {
    assert.match(text(await client.callTool({ name: 'echo', arguments: { message: 'ü' } })), /Echo: ü/);
    assert.match(text(await client.getPrompt({ name: 'simple-prompt' })), /simple prompt/);
    const [resource] = (await client.listResources()).resources;
    assert.ok((await client.readResource({ uri: resource!.uri })).contents.length > 0);
    const completed = await client.complete({
      ref: { type: 'ref/prompt', name: 'completable-prompt' },
      argument: { name: 'department', value: 'E' },
    });
    assert.ok(completed.completion.values.includes('Engineering'));
  });

  test('gets progress with its own token', async () => {
    const seen: number[] = [];
    await client.callTool(
      { name: 'trigger-long-running-operation', arguments: { duration: 0.3, steps: 3 } },
      { onprogress: ({ progress }) => seen.push(progress) },
    );
    assert.deepEqual(seen, [1, 2, 3]);
  });

  test('is asked what the server wants to know, and the server gets the answers', async () => {
    asked.length = 0;
    const elicited = await client.callTool({ name: 'trigger-elicitation-request', arguments: {} });
    assert.match(text(elicited), /Ada Lovelace/);
    const sampled = await client.callTool({
      name: 'trigger-sampling-request',
      arguments: { prompt: 'what is it?', maxTokens: 10 },
    });
    assert.match(text(sampled), /forty-two/);
    assert.equal(asked.length, 2);
  });

  test('is asked for its roots by the only call in flight, for the server asks on no call’s stream', async () => {
    const rooted = modernClient({ roots: {} });
    rooted.setRequestHandler('roots/list', () => ({ roots: [{ uri: 'file:///here', name: 'here' }] }));
    await rooted.connect(new StreamableHTTPClientTransport(new URL(sidecar.url)));
    try {
      assert.match(text(await rooted.callTool({ name: 'get-roots-list', arguments: {} })), /file:\/\/\/here/);
    } finally {
      await rooted.close();
    }
  });

  test('is refused what the server does not have, in words of its own era', async () => {
    await assert.rejects(client.callTool({ name: 'get-tiny-image', arguments: {} }), { code: -32602 });
    await assert.rejects(client.readResource({ uri: 'nope://nothing' }), { code: -32602 });
  });

  test('each of its rounds is a call of its own in the audit', async () => {
    const calls = sidecar.audit.filter(
      ({ type, target }) => type === 'mcp_tool_call' && target.name === 'trigger-elicitation-request',
    );
    assert.deepEqual(
      calls.map(({ outcome }) => outcome),
      ['success', 'success'],
    );
  });
});
