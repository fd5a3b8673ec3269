import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createReferenceServer } from '../../conformance/reference/server.ts';
import { postModern } from './modern-meta.ts';
import { call, post } from './post.ts';
import { connectV1, connectV2 } from './sdk-clients.ts';
import { startSidecar, untilAudit, untilHealth, type TestSidecar } from './start-sidecar.ts';
import { waitFor } from './wait-for.ts';

const server = createReferenceServer();
let sidecar: TestSidecar;

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  sidecar = await startSidecar({ upstreamPort: port, filter: { denyTools: ['test_image_content'] } });
  await untilHealth(sidecar, 'healthy');
});
after(async () => {
  await sidecar?.stop();
  server.closeAllConnections();
  server.close();
});

describe('a server of both eras', () => {
  test('is taken for one of the modern era', async () => {
    const [found] = (await sidecar.health()).servers;
    assert.deepEqual([found.connected, found.era, found.protocol_version], [true, 'modern', '2026-07-28']);
    const denied = found.tools.find((each: { name: string }) => each.name === 'test_image_content');
    assert.deepEqual(denied, {
      name: 'test_image_content',
      allowed: false,
      rule: 'deny-tools',
      readOnly: true,
      destructive: false,
    });
  });

  test('does not look at what names a session in a request of 2026-07-28', async () => {
    const headers = { 'mcp-session-id': 'made-up' };
    assert.equal((await postModern(sidecar.url, 'tools/list', {}, { headers })).status, 200);
    assert.equal(
      (await post(sidecar.url, { jsonrpc: '2.0', id: 1, method: 'tools/list' }, headers)).status,
      404,
    );
  });

  for (const [name, connect, era] of [
    ['v1 of the SDK', connectV1, 'legacy'],
    ['v2 of the SDK', connectV2, 'modern'],
  ] as const) {
    test(`serves a client of ${name} in its own era`, async () => {
      const client = await connect(sidecar.url);
      try {
        assert.equal(client.era, era);
        assert.equal(client.sessionId() === undefined, era === 'modern');
        const tools = await client.listTools();
        assert.ok(tools.includes('test_simple_text') && !tools.includes('test_image_content'));
        assert.match(await client.callTool('test_simple_text', {}), /simple text response/);
        await assert.rejects(client.callTool('test_image_content', {}), /Unknown tool: test_image_content/);
        const seen: (number | string)[] = [];
        await client.callTool('test_tool_with_progress', {}, (done) => seen.push(done));
        seen.push('result');
        assert.ok(seen.length > 2, 'no progress came');
        assert.deepEqual(seen, [...seen.slice(0, -1).toSorted((a, b) => Number(a) - Number(b)), 'result']);
      } finally {
        await client.close();
      }
    });
  }

  test('brings its news of changed tools to a client of v1 by its GET stream', async () => {
    const client = await connectV1(sidecar.url);
    try {
      // The SDK opens the stream on its own, after it has connected.
      await waitFor('the GET stream', async () =>
        (await (await fetch(`${sidecar.adminUrl}/metrics`)).text()).includes('kubectl_mcp_streams 1'),
      );
      await client.callTool('test_trigger_tool_change', {});
      await waitFor('the news', () => client.toolsChanged());
    } finally {
      await client.close();
    }
  });

  test('a modern call leaves an audit line with who calls itself what, and no session', async () => {
    const client = await connectV2(sidecar.url);
    try {
      await client.callTool('test_simple_text', {});
    } finally {
      await client.close();
    }
    const record = await untilAudit(
      sidecar,
      (each) =>
        each.type === 'mcp_tool_call' &&
        each.outcome === 'success' &&
        each.source.extra.session_id === undefined,
    );
    assert.deepEqual([record.subjects.client_name, record.subjects.client_version], ['wire-test', '1']);
    assert.equal(record.target.name, 'test_simple_text');
  });

  test('gives a denied tool and an unknown one the same bytes in the modern era', async () => {
    const answers = [];
    for (const name of ['test_image_content', 'no_such_tool']) {
      const message = {
        ...call(name),
        params: {
          name,
          arguments: {},
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientCapabilities': {},
          },
        },
      };
      const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name };
      const { status, body } = await post(sidecar.url, message, headers);
      answers.push([status, body.replace(name, 'NAME')]);
    }
    assert.deepEqual(answers[0], [
      200,
      '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Unknown tool: NAME"}}',
    ]);
    assert.deepEqual(answers[1], answers[0]);
  });
});
